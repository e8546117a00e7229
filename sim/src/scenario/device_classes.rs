//! The library of devices that `device` can name, and how a name becomes figures.
//!
//! Names are taken out when layers are merged: what is decoded, run and written as the resolved
//! scenario holds the figures, so that a changed library does not change an old run.

use super::known_keys::Known;
use super::layers::{expand, lay_over};
use super::problem::{Problem, Source};
use super::quantity::nearest;
use super::raw::RawDevice;
use super::tree::{Entry, Node, Value, parse_document};
use serde::Deserialize;
use std::sync::Arc;

/// A class of devices with its figures and their sources.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DeviceClass {
    /// What `device` calls it.
    pub name: &'static str,
    /// The file as kept in `scenarios/devices/`.
    pub toml: &'static str,
}

macro_rules! classes {
    ($($name:literal),* $(,)?) => {
        &[$(DeviceClass {
            name: $name,
            toml: include_str!(concat!("../../../scenarios/devices/", $name, ".toml")),
        }),*]
    };
}

/// Every class, from the slowest to the fastest, as `fedstill devices` lists them.
pub const DEVICE_CLASSES: &[DeviceClass] = classes![
    "microcontroller",
    "raspberry-pi-zero-2",
    "phone-low",
    "raspberry-pi-4",
    "phone-mid",
    "raspberry-pi-5",
    "phone-high",
    "laptop",
    "jetson-nano",
    "workstation",
    "edge-server",
    "cloud-instance",
    "cloud-gpu",
];

impl DeviceClass {
    /// The class of that name.
    #[must_use]
    pub fn find(name: &str) -> Option<&'static Self> {
        DEVICE_CLASSES.iter().find(|class| class.name == name)
    }

    /// What it is, in one line.
    #[must_use]
    pub fn summary(&self) -> String {
        let tree = self.tree();
        let summary = tree.at("summary").and_then(Node::text);
        summary.unwrap_or_default().to_owned()
    }

    /// Its figures.
    #[must_use]
    pub fn device(&self) -> RawDevice {
        // The classes are part of the program; a test decodes each of them.
        RawDevice::deserialize(&self.layer())
            .unwrap_or_else(|error| panic!("device class `{}`: {error}", self.name))
    }

    /// Its `[device]` table, with its name.
    fn layer(&self) -> Node {
        let tree = self.tree();
        let mut device = match tree.entry("device") {
            Some(entry) => entry.node.clone(),
            None => panic!("device class `{}` has no [device]", self.name),
        };
        if let Some(known) = known() {
            expand(&mut device, known);
        }
        device.set_layer(0);
        let name = Node {
            value: Value::String(self.name.to_owned()),
            ..device.clone()
        };
        let entry = Entry {
            key: "name".to_owned(),
            key_origin: device.origin.clone(),
            node: name,
        };
        if let Value::Table(entries) = &mut device.value {
            entries.insert(0, entry);
        }
        device
    }

    fn tree(&self) -> Node {
        let source = Arc::new(Source {
            name: format!("scenarios/devices/{}.toml", self.name),
            text: self.toml.to_owned(),
        });
        parse_document(&source)
            .unwrap_or_else(|problems| panic!("device class `{}`: {}", self.name, problems[0]))
    }
}

fn known() -> Option<Known> {
    Known::root().child("clients")?.child("0")?.child("device")
}

/// Puts the figures of every class that clients or aggregators name in the place of its name.
pub(crate) fn resolve(tree: &mut Node) -> Result<(), Problem> {
    let Value::Table(entries) = &mut tree.value else {
        return Ok(());
    };
    for entry in entries {
        match entry.key.as_str() {
            "clients" => resolve_each(&mut entry.node)?,
            "server" => resolve_in(&mut entry.node)?,
            "method" => {
                if let Value::Table(method) = &mut entry.node.value
                    && let Some(tiers) = method.iter_mut().find(|entry| entry.key == "tier")
                {
                    resolve_each(&mut tiers.node)?;
                }
            }
            _ => {}
        }
    }
    Ok(())
}

/// The devices of a list of tables.
fn resolve_each(list: &mut Node) -> Result<(), Problem> {
    match &mut list.value {
        Value::Array(tables) => tables.iter_mut().try_for_each(resolve_in),
        _ => Ok(()),
    }
}

/// The device of a table.
fn resolve_in(table: &mut Node) -> Result<(), Problem> {
    let Value::Table(entries) = &mut table.value else {
        return Ok(());
    };
    match entries.iter_mut().find(|entry| entry.key == "device") {
        Some(device) => resolve_device(&mut device.node),
        None => Ok(()),
    }
}

fn resolve_device(device: &mut Node) -> Result<(), Problem> {
    name_as_table(device);
    let Value::Table(entries) = &mut device.value else {
        return Ok(());
    };
    let Some(place) = entries.iter().position(|entry| entry.key == "mix") else {
        return resolve_class(device);
    };
    if !matches!(entries[place].node.value, Value::Array(_)) {
        return Ok(());
    }
    // What stands beside the mix holds for all of it.
    let mut mix = entries.remove(place);
    let shared = device.clone();
    if let Value::Array(items) = &mut mix.node.value {
        for item in items {
            name_as_table(item);
            if matches!(item.value, Value::Table(_)) {
                let own = std::mem::replace(item, shared.clone());
                lay_over(item, own);
                resolve_class(item)?;
            }
        }
    }
    device.value = Value::Table(vec![mix]);
    Ok(())
}

/// `"raspberry-pi-4"` is `{ class = "raspberry-pi-4" }`.
pub(super) fn name_as_table(device: &mut Node) {
    if let Value::String(_) = &device.value {
        let name = device.clone();
        device.value = Value::Table(vec![Entry {
            key: "class".to_owned(),
            key_origin: name.origin.clone(),
            node: name,
        }]);
    }
}

/// Lays a table's own keys over those of the class that it names.
fn resolve_class(device: &mut Node) -> Result<(), Problem> {
    let Some(class) = device.entry("class") else {
        return Ok(());
    };
    let (named, Some(name)) = (class.node.clone(), class.node.text()) else {
        // Decoding says that a string is expected.
        return Ok(());
    };
    let Some(class) = DeviceClass::find(name) else {
        let names: Vec<&str> = DEVICE_CLASSES.iter().map(|class| class.name).collect();
        let problem = Problem::new(format!("there is no device class `{name}`")).at(
            &named.origin,
            format!("known classes: {}", names.join(", ")),
        );
        return Err(match nearest(name, names) {
            Some(near) => problem.way_out(format!("did you mean \"{near}\"?")),
            None => problem.way_out("`fedstill devices` describes them"),
        });
    };
    if let Value::Table(entries) = &mut device.value {
        entries.retain(|entry| entry.key != "class");
    }
    let own = std::mem::replace(device, class.layer());
    lay_over(device, own);
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scenario::Sampled;

    #[test]
    fn every_class_says_what_it_is_and_where_every_figure_comes_from() {
        assert!(DEVICE_CLASSES.len() >= 10);
        for class in DEVICE_CLASSES {
            let device = class.device();
            assert_eq!(device.name.as_deref(), Some(class.name));
            assert!(!class.summary().is_empty(), "{}", class.name);
            let Some(Sampled::Constant(speed)) = device.speed else {
                panic!("{} has one speed", class.name);
            };
            assert!(speed.flops_per_second() > 0.0);
            assert!(device.memory.is_some(), "{}", class.name);
            let power = device.power.expect("a class has its powers");
            let idle = power.idle;
            for more in [power.busy, power.transmit, power.receive] {
                assert!(more >= idle, "{}: {more} is below {idle}", class.name);
            }
            let figures = class.toml.split_once("[device]").unwrap().1.lines();
            for line in figures.filter(|line| line.contains('=') && !line.starts_with('#')) {
                assert!(
                    line.contains(" # "),
                    "{}: no source beside `{line}`",
                    class.name
                );
            }
        }
    }

    #[test]
    fn faster_classes_come_later() {
        let speeds: Vec<f64> = DEVICE_CLASSES
            .iter()
            .map(|class| {
                let device = class.device();
                let Some(Sampled::Constant(speed)) = device.speed else {
                    return f64::NAN;
                };
                let cores = device.training_cores.unwrap_or(device.cores);
                speed.flops_per_second() * f64::from(cores)
            })
            .collect();
        assert!(speeds.is_sorted(), "{speeds:?}");
    }
}
