//! What it takes to repeat the run, and what it ran on.

use super::Run;
use super::parts::{Place, Section};
use crate::report::plot::count;
use maud::{Markup, html};

pub(super) fn settings(place: &Place, run: &Run) -> Section {
    let body = html! {
        p { "The file config.toml of the run folder. " code { "cifar-train --config" } " on it repeats the run." }
        pre role="region" aria-label="config.toml" tabindex="0" { code { (run.config_text) } }
    };
    place.section("settings", "Settings", &body)
}

pub(super) fn record(place: &Place, run: &Run) -> Section {
    let result = &run.result;
    let [train, held_out, test] = result.rows.map(count);
    let machine = &result.machine;
    let shape = format!("{}, {} classes", run.model.about.shape, run.model.classes());
    let processor = machine.processor.as_deref().unwrap_or("not known");
    let threads = format!("{} of {} cores, kernel {}", machine.threads, machine.cores, machine.kernel);
    let body = html! {
        table.record { tbody {
            @if let Ok(tested) = &run.test { (row("Data", &tested.data_name)) }
            (row("Data from", &result.data))
            (row("Rows", &format!("{train} trained on, {held_out} held out, {test} tested on")))
            (row("Examples", &shape))
            (row("Digest of the data", &format!("BLAKE3 {}", result.data_digest)))
            (row("Run folder", &result.out))
            (row("Processor", processor))
            (row("Threads", &threads))
            (row("System", &machine.system))
            (row("Version", &format!("cifar-train {}", result.version)))
            (row("Ended", &result.stop_reason))
        } }
    };
    place.section("record", "Data and machine", &body)
}

fn row(name: &str, value: &str) -> Markup {
    html! { tr { th scope="row" { (name) } td { (value) } } }
}
