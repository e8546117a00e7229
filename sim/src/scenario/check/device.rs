//! `device`: a speed, cores to train on, and steps that make sense.

use super::findings::Findings;
use crate::device::StepsError;
use crate::scenario::raw::{RawDevice, RawLoad, RawSpeedProfile};

/// More cores are taken for a mistake.
const MOST_CORES: u32 = 65_536;

/// A higher factor on a speed is taken for a mistake.
const HIGHEST_FACTOR: f64 = 1e6;

/// More cores asked for by a background load are taken for a mistake.
const HIGHEST_LOAD: f64 = 1e6;

/// A device, or those of a fleet.
pub(super) fn check(path: &str, device: &mut RawDevice, findings: &mut Findings<'_>) {
    if device.weight.is_some() {
        findings.refuse(
            &format!("{path}.weight"),
            "a weight outside a mix",
            "it says how often a device is drawn beside others",
            "write device = { mix = [{ class = \"phone-low\", weight = 3 }, ...] }",
        );
    }
    if device.mix.is_empty() {
        return one(path, device, findings);
    }
    let mut sum = 0.0;
    let mut sound = true;
    for (place, device) in device.mix.iter_mut().enumerate() {
        let path = format!("{path}.mix.{place}");
        if !device.mix.is_empty() {
            findings.refuse(
                &format!("{path}.mix"),
                "a mix within a mix",
                "expected a device",
                "list all devices in one mix, with their weights",
            );
            sound = false;
            continue;
        }
        let weight = device.weight.unwrap_or(1.0);
        sum += weight;
        sound &= findings.number(
            &format!("{path}.weight"),
            weight,
            |weight| (0.0..=1e9).contains(&weight),
            "a number from 0 to 1e9",
            "weights are shares: 3 and 1 are three quarters and one",
        );
        one(&path, device, findings);
    }
    if sound && sum <= 0.0 {
        findings.refuse(
            &format!("{path}.mix"),
            "no device of the mix is ever drawn",
            "all weights are 0",
            "give one of them a weight above 0",
        );
    }
}

fn one(path: &str, device: &mut RawDevice, findings: &mut Findings<'_>) {
    device.power.get_or_insert_default();
    if device.speed.is_none() {
        findings.refuse(
            path,
            format!("`{path}` has no speed"),
            "the key `speed` is missing",
            "add its effective speed in training, such as speed = \"20 GFLOP/s\", or name a class, \
             such as device = \"raspberry-pi-4\"",
        );
    }
    cores(path, device.cores, findings);
    if let Some(training) = device.training_cores
        && !(1..=device.cores.max(1)).contains(&training)
    {
        findings.refuse(
            &format!("{path}.training_cores"),
            format!("training is to use {training} cores of {}", device.cores),
            "expected at least 1 and at most as many as there are `cores`",
            "leave it out to train on all cores",
        );
    }
    if let Some(profile) = &device.speed_profile {
        speed_profile(&format!("{path}.speed_profile"), profile, findings);
    }
    if let Some(load) = &device.load {
        background(&format!("{path}.load"), load, findings);
    }
    if let Some(noise) = &mut device.noise {
        noise.bound();
    }
}

/// A number of cores that can be meant.
pub(super) fn cores(path: &str, cores: u32, findings: &mut Findings<'_>) {
    if !(1..=MOST_CORES).contains(&cores) {
        let path = format!("{path}.cores");
        findings.refuse(
            &path,
            format!("`{path}` is {cores}"),
            format!("expected 1 to {MOST_CORES}"),
            "leave it out for a device that is one core",
        );
    }
}

/// Steps of a speed under which every computation ends sooner or later.
pub(super) fn speed_profile(path: &str, profile: &RawSpeedProfile, findings: &mut Findings<'_>) {
    match profile.steps() {
        Err(error) => wrong_steps(path, "factor", error, findings),
        Ok(steps) if steps.lasting().all(|factor| factor == 0.0) => findings.refuse(
            path,
            "the device stands still for ever",
            "its last factor is 0",
            "end with a factor above 0, or say with `repeat` when the profile begins again",
        ),
        Ok(steps) => {
            let highest = steps.values().fold(0.0, f64::max);
            if highest > HIGHEST_FACTOR {
                findings.refuse(
                    path,
                    format!("a factor of {highest} on the speed"),
                    "expected at most 1e6",
                    "give the device the speed that it has, and a factor of 1",
                );
            }
        }
    }
}

/// A background load that can be meant.
pub(super) fn background(path: &str, load: &RawLoad, findings: &mut Findings<'_>) {
    match load.steps() {
        Err(StepsError::Value(_, load_given)) if matches!(load, RawLoad::Constant(_)) => {
            findings.number(
                path,
                load_given,
                |load| load >= 0.0,
                "a number of cores, at least 0",
                "1 is one task that would keep a core busy",
            );
        }
        Err(error) => wrong_steps(path, "load", error, findings),
        Ok(steps) => {
            let highest = steps.values().fold(0.0, f64::max);
            if highest > HIGHEST_LOAD {
                findings.refuse(
                    path,
                    format!("a background load of {highest} cores"),
                    "expected at most 1e6",
                    "1 is one task that would keep a core busy",
                );
            }
        }
    }
}

fn wrong_steps(path: &str, value: &str, error: StepsError, findings: &mut Findings<'_>) {
    match error {
        StepsError::RunsBack(step) => findings.refuse(
            &format!("{path}.steps.{step}.at"),
            "this step is not later than the one before",
            "expected steps in order of time",
            "sort them by `at`, one for each time",
        ),
        StepsError::BeyondPeriod(step) => findings.refuse(
            &format!("{path}.steps.{step}.at"),
            "this step does not lie within the period",
            "expected a time before `repeat`",
            "`at` counts from the start of each period",
        ),
        StepsError::Value(step, found) => {
            findings.number(
                &format!("{path}.steps.{step}.{value}"),
                found,
                |found| found >= 0.0,
                "a number that is not negative",
                match value {
                    "factor" => "0.5 is half as fast, 0 stands still",
                    _ => "1 is one task that would keep a core busy, 0 is none",
                },
            );
        }
        StepsError::NoPeriod => findings.refuse(
            &format!("{path}.repeat"),
            "a period without length",
            "expected a time above zero",
            "leave `repeat` out to hold the last step for ever",
        ),
    }
}
