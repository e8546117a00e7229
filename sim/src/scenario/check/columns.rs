//! Reads the columns that a scenario refers to, and gathers them as inputs.

use super::findings::Findings;
use crate::scenario::availability_trace::Traces;
use crate::scenario::column::{ColumnError, Pick};
use crate::scenario::quantity::{Duration, Quantity};
use crate::scenario::raw::{RawDevice, RawDropout, RawMoment, RawScenario};
use crate::scenario::resolved::Input;
use crate::scenario::sampled::Sampled;
use std::path::Path;
use std::sync::Arc;

/// Loads every column and names its file as the resolved scenario will.
pub(super) fn load(
    raw: &mut RawScenario,
    folder: &Path,
    inputs: &mut Vec<Input>,
    findings: &mut Findings<'_>,
) {
    for (index, group) in raw.clients.iter_mut().enumerate() {
        let mut columns = Columns {
            folder,
            clients: group.count,
            inputs: &mut *inputs,
            findings,
        };
        if let (Some(file), Some(sites)) = (&mut group.file, &group.sites) {
            *file = input(columns.inputs, file, &sites.text);
        }
        let at = |key: &str| format!("clients.{index}.{key}");
        for (place, device) in group.device.each_mut() {
            columns.load_device(device, &at(&format!("device{place}")));
        }
        columns.load(&mut group.link.up, &at("link.up"));
        columns.load(&mut group.link.down, &at("link.down"));
        columns.load(&mut group.link.latency, &at("link.latency"));
        if let Some(cap) = &mut group.link.cap {
            columns.load(cap, &at("link.cap"));
        }
        for (moment, key) in [(&mut group.join, "join"), (&mut group.leave, "leave")] {
            if let Some(RawMoment::Sampled(sampled)) = moment {
                columns.load(sampled, &at(key));
            }
        }
        columns.trace(&group.name, &mut group.dropout, &at("dropout"));
    }
}

struct Columns<'a, 'b> {
    folder: &'a Path,
    clients: usize,
    inputs: &'a mut Vec<Input>,
    findings: &'a mut Findings<'b>,
}

impl Columns<'_, '_> {
    fn load_device(&mut self, device: &mut RawDevice, path: &str) {
        if let Some(speed) = &mut device.speed {
            self.load(speed, &format!("{path}.speed"));
        }
        if let Some(memory) = &mut device.memory {
            self.load(memory, &format!("{path}.memory"));
        }
        if let Some(noise) = &mut device.noise {
            self.load(noise, &format!("{path}.noise"));
        }
        if let Some(battery) = &mut device.battery {
            self.load(&mut battery.capacity, &format!("{path}.battery.capacity"));
            self.load(&mut battery.level, &format!("{path}.battery.level"));
        }
    }

    fn load<Q: Quantity>(&mut self, sampled: &mut Sampled<Q>, path: &str) {
        let Sampled::Column(column) = sampled else {
            return;
        };
        match column.load::<Q>(self.folder, self.clients) {
            Ok(content) => {
                let name = input(self.inputs, column.file(), &content);
                column.rename_file(name);
            }
            Err(error) => {
                let place = format!("{path}.{}", error.key);
                self.findings
                    .refuse(&place, error.message, "", error.way_out);
            }
        }
    }
}

impl Columns<'_, '_> {
    /// Reads recorded availability; with `in-order` every client without a record of its name needs a place.
    fn trace(&mut self, group: &str, dropout: &mut RawDropout, path: &str) {
        let RawDropout::Trace {
            file,
            pick,
            repeat,
            traces,
        } = dropout
        else {
            return;
        };
        let repeat = repeat.map(Duration::seconds);
        let error = match Traces::load(&self.folder.join(&*file), repeat) {
            Ok((read, text)) => {
                let named = |index: usize| read.named(&format!("{group}-{index}")).is_some();
                let missing = (read.len()..self.clients).find(|index| !named(*index));
                match missing.filter(|_| *pick == Pick::InOrder) {
                    None => {
                        *file = input(self.inputs, file, &text);
                        *traces = Arc::new(read);
                        return;
                    }
                    Some(index) => ColumnError {
                        key: "file",
                        message: format!(
                            "`{file}` has {} records, none called `{group}-{index}` and none for a \
                             client of that number",
                            read.len()
                        ),
                        way_out:
                            "give one record a client, or `pick = \"cycle\"` to begin again at \
                                  the first one, or `pick = \"draw\"` for any"
                                .into(),
                    },
                }
            }
            Err(error) => error,
        };
        let place = format!("{path}.{}", error.key);
        self.findings
            .refuse(&place, error.message, "", error.way_out);
    }
}

/// The path of an input with this content; two files of one name get a number.
pub(super) fn input(inputs: &mut Vec<Input>, file: &str, content: &Arc<str>) -> String {
    let name = Path::new(file)
        .file_name()
        .map_or_else(|| "column.csv".into(), |name| name.to_string_lossy());
    let mut path = format!("inputs/{name}");
    let mut count = 1;
    while let Some(taken) = inputs.iter().find(|input| input.path == path) {
        if taken.content == *content {
            return path;
        }
        count += 1;
        path = format!("inputs/{count}-{name}");
    }
    inputs.push(Input {
        path: path.clone(),
        content: Arc::clone(content),
    });
    path
}
