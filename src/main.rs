//! The `cifar-train` program: parses, runs, and turns failures into one line, a hint and an exit code.

use cifar_train::report::printable::one_line;
use cifar_train::{cli, commands};
use std::io::Write;
use std::process::ExitCode;

fn main() -> ExitCode {
    let request = match cli::parse(std::env::args_os()) {
        Ok(request) => request,
        Err(error) if !error.use_stderr() => {
            // --help and --version.
            let _ = error.print();
            return ExitCode::SUCCESS;
        }
        Err(error) => {
            let (what, hint) = cli::explain(&error);
            return fail(&what, Some(&hint), 2);
        }
    };
    match commands::run(request) {
        Ok(exit) => ExitCode::from(exit.code()),
        Err(error) if commands::is_closed_pipe(&error) => ExitCode::SUCCESS,
        Err(error) => {
            let (code, hint) = commands::explain(&error);
            fail(&error.to_string(), hint.as_deref(), code)
        }
    }
}

/// One line that says what is wrong, one that says what to do.
fn fail(what: &str, hint: Option<&str>, code: u8) -> ExitCode {
    let mut stderr = std::io::stderr();
    // With standard error closed there is nobody to tell.
    let _ = writeln!(stderr, "error: {}", one_line(&what.replace('\n', " ")));
    if let Some(hint) = hint {
        let _ = writeln!(stderr, "hint: {}", one_line(hint));
    }
    ExitCode::from(code)
}
