//! Pages that show commands and what they print: the commands are run.
//!
//! A block of ` ```console ` holds commands, each behind `$ `, and all that they print, both streams in their order, with
//! `...` for what is left out. In ` ```console cifar-10 ` they need the real data, so they run only where `CIFAR10_DIR`
//! names them.

use crate::printed::{Compare, prints};
use crate::support::Sandbox;
use std::fs;
use std::io::Read;
use std::path::Path;
use std::process::Stdio;

pub const ROOT: &str = env!("CARGO_MANIFEST_DIR");

/// A page, by its name in the project's folder.
#[derive(Clone, Copy)]
pub struct Page(pub &'static str);

/// A command of a page and what it prints.
pub struct Example {
    pub command: String,
    pub printed: Vec<String>,
    page: Page,
    /// Line of the page.
    line: usize,
    /// On the real data.
    pub real: bool,
}

impl Page {
    pub fn text(self) -> String {
        fs::read_to_string(Path::new(ROOT).join(self.0)).expect("a page")
    }

    pub fn examples(self) -> Vec<Example> {
        let mut examples: Vec<Example> = Vec::new();
        let mut fence = None;
        for (at, line) in self.text().lines().enumerate() {
            match (&fence, line.strip_prefix("```")) {
                (None, Some(kind)) => fence = Some(kind.to_owned()),
                (Some(_), Some(_)) => fence = None,
                (Some(kind), None) if kind.starts_with("console") => {
                    let known = ["console", "console cifar-10"].contains(&kind.as_str());
                    assert!(known, "{}, line {at}: found {kind}", self.0);
                    let real = kind == "console cifar-10";
                    add_line(&mut examples, line, |command| Example {
                        command,
                        printed: Vec::new(),
                        page: self,
                        line: at + 1,
                        real,
                    });
                }
                _ => {}
            }
        }
        examples
    }

    /// Fails with the examples that print something else, if there are any.
    pub fn assert_true(self, wrong: &[String]) {
        let all = wrong.join("\n");
        assert!(wrong.is_empty(), "{} shows other output than these commands print:\n\n{all}", self.0);
    }

    /// Files are there, and headings that are linked to have these names.
    pub fn assert_links(self) {
        let text = self.text();
        let headings = text.lines().filter_map(|line| line.strip_prefix("## "));
        let kept = |c: &char| c.is_alphanumeric() || matches!(c, ' ' | '-');
        let anchors: Vec<String> = headings
            .map(|title| title.to_lowercase().chars().filter(kept).collect::<String>().replace(' ', "-"))
            .collect();
        for part in text.split("](").skip(1) {
            let (target, _) = part.split_once(')').expect("a link ends");
            match target.split_once('#') {
                Some(("", anchor)) => {
                    assert!(anchors.iter().any(|known| known == anchor), "#{anchor} is no heading");
                }
                other => {
                    let file = other.map_or(target, |(file, _)| file);
                    let there = Path::new(ROOT).join(file).exists();
                    assert!(there, "{} links to {file}, which is not there", self.0);
                }
            }
        }
    }
}

/// Adds a line of a block: a command, the rest of one, or what the last one prints.
fn add_line(examples: &mut Vec<Example>, line: &str, begin: impl FnOnce(String) -> Example) {
    if let Some(command) = line.strip_prefix("$ ") {
        return examples.push(begin(command.into()));
    }
    let example = examples.last_mut().expect("a command before what it prints");
    match line.strip_prefix("> ") {
        Some(more) if example.command.ends_with('\\') => {
            example.command.pop();
            example.command.push_str(more);
        }
        _ => example.printed.push(line.into()),
    }
}

/// The words of a command line, as a shell sees them: quotes, and nothing else that is special.
pub fn words(command: &str) -> Vec<String> {
    let mut words = Vec::new();
    let (mut word, mut quote, mut begun) = (String::new(), None, false);
    for c in command.chars() {
        match quote {
            Some(open) if c == open => quote = None,
            None if c == '"' || c == '\'' => (quote, begun) = (Some(c), true),
            None if c == ' ' => {
                if std::mem::take(&mut begun) {
                    words.push(std::mem::take(&mut word));
                }
            }
            None if "|&;<>$`*?".contains(c) => panic!("{command}: only a shell knows {c}"),
            _ => {
                word.push(c);
                begun = true;
            }
        }
    }
    assert!(quote.is_none(), "{command}: a quote is open");
    if begun {
        words.push(word);
    }
    words
}

impl Example {
    /// What it prints, if that is not what the page says.
    pub fn difference(&self, sandbox: &Sandbox, compare: Compare) -> Option<String> {
        let printed = self.output(sandbox);
        let same = prints(&self.printed.join("\n"), &printed, compare);
        (!same).then(|| format!("line {}:\n$ {}\n{printed}", self.line, self.command))
    }

    /// Runs the command; what it prints, as a terminal shows it. Of the shell's words it may end with `2>/dev/null`, or
    /// with `2>&1 | tail -N`.
    fn output(&self, sandbox: &Sandbox) -> String {
        let without_notes = self.command.strip_suffix(" 2>/dev/null");
        let tail = self.command.split_once(" 2>&1 | tail -");
        let words = words(without_notes.or(tail.map(|(command, _)| command)).unwrap_or(&self.command));
        let Some(("cifar-train", args)) = words.split_first().map(|(program, args)| (program.as_str(), args))
        else {
            panic!("{}, line {}: expected cifar-train", self.page.0, self.line)
        };
        let args: Vec<&str> = args.iter().map(String::as_str).collect();
        let (mut reader, writer) = std::io::pipe().expect("a pipe");
        let mut command = sandbox.command(&args);
        command.stdin(Stdio::null()).stdout(writer.try_clone().expect("a pipe"));
        if without_notes.is_some() {
            command.stderr(Stdio::null());
            drop(writer);
        } else {
            command.stderr(writer);
        }
        let mut child = command.spawn().expect("the binary starts");
        // Closes the writing ends here, so that the reading one sees the end.
        drop(command);
        let mut text = String::new();
        reader.read_to_string(&mut text).expect("UTF-8");
        let status = child.wait().expect("it ends");
        assert!(
            status.success(),
            "{}, line {}: {status}\n$ {}\n{text}",
            self.page.0,
            self.line,
            self.command
        );
        let Some((_, lines)) = tail else { return text };
        let lines: usize = lines.parse().expect("a number of lines");
        let before = text.lines().count().saturating_sub(lines);
        text.lines().skip(before).fold(String::new(), |text, line| text + line + "\n")
    }
}

/// The project's folder as a user has it: presets, and CIFAR-10 in its place if there is one.
pub fn project(data: Option<&str>) -> Sandbox {
    let sandbox = Sandbox::new();
    link(&Path::new(ROOT).join("configs"), &sandbox.path("configs"));
    if let Some(data) = data {
        fs::create_dir(sandbox.path("data")).expect("a new folder");
        link(Path::new(data), &sandbox.path("data/cifar-10-batches-bin"));
    }
    sandbox
}

fn link(folder: &Path, place: &Path) {
    #[cfg(unix)]
    std::os::unix::fs::symlink(folder, place).expect("a link");
    #[cfg(windows)]
    std::os::windows::fs::symlink_dir(folder, place).expect("a link");
}
