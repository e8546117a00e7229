//! Reads the columns that a scenario refers to, and gathers them as inputs.

use super::findings::Findings;
use crate::scenario::quantity::Quantity;
use crate::scenario::raw::{RawDevice, RawScenario};
use crate::scenario::resolved::Input;
use crate::scenario::sampled::Sampled;
use std::path::Path;
use std::sync::Arc;

/// Loads every column and names its file as the resolved scenario will.
pub(super) fn load(
    raw: &mut RawScenario,
    folder: &Path,
    findings: &mut Findings<'_>,
) -> Vec<Input> {
    let mut inputs = Vec::new();
    for (index, group) in raw.clients.iter_mut().enumerate() {
        let mut columns = Columns {
            folder,
            clients: group.count,
            inputs: &mut inputs,
            findings,
        };
        let at = |key: &str| format!("clients.{index}.{key}");
        columns.load_device(&mut group.device, &at("device"));
        columns.load(&mut group.link.up, &at("link.up"));
        columns.load(&mut group.link.down, &at("link.down"));
        columns.load(&mut group.link.latency, &at("link.latency"));
    }
    inputs
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
