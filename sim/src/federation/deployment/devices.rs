//! Devices: from a scenario's keys to what each client computes on.

use super::drawing::Draw;
use super::presence::ClientBattery;
use super::{ClientSpec, Deployment, DeploymentError};
use crate::device::{Device, Power, Processor, SpeedNoise, Steps};
use crate::kernel::Streams;
use crate::scenario::{Bytes, ComputeSpeed, Factor, Quantity, RawBattery, RawDevice, Sampled};
use rand::RngExt;
use std::sync::Arc;

/// The devices that the clients of a group may have.
pub(super) struct Fleet<'a> {
    models: Vec<DeviceModel<'a>>,
    weights: Vec<f64>,
}

impl<'a> Fleet<'a> {
    pub(super) fn new(raw: &'a RawDevice) -> Self {
        let devices = raw.each();
        let models = devices.iter().map(|(_, raw)| DeviceModel::new(raw));
        let weights = devices.iter().map(|(_, raw)| raw.weight.unwrap_or(1.0));
        Self {
            models: models.collect(),
            weights: weights.collect(),
        }
    }

    pub(super) fn models(&self) -> &[DeviceModel<'a>] {
        &self.models
    }

    /// Which of the models a client has: each with the probability of its weight, independently
    /// of all other clients.
    pub(super) fn draw(&self, client: &str, world: Streams) -> usize {
        if self.models.len() == 1 {
            return 0;
        }
        let sum: f64 = self.weights.iter().sum();
        let mut left = world.stream(client, "device class").random::<f64>() * sum;
        let drawn = self.weights.iter().position(|weight| {
            left -= weight;
            left < 0.0
        });
        // Rounding may leave a rest: it is the last one's that can be drawn at all.
        let last = self.weights.iter().rposition(|weight| *weight > 0.0);
        drawn.or(last).unwrap_or(0)
    }
}

/// What all clients with the same device have in common.
pub(super) struct DeviceModel<'a> {
    raw: &'a RawDevice,
    pub(super) name: Option<Arc<str>>,
    pub(super) noise: Option<Arc<Sampled<Factor>>>,
    profile: Option<Arc<Steps>>,
    load: Option<Arc<Steps>>,
}

impl<'a> DeviceModel<'a> {
    pub(super) fn new(raw: &'a RawDevice) -> Self {
        let checked = "steps are checked when a scenario is loaded";
        let profile = raw.speed_profile.as_ref();
        let load = raw.load.as_ref();
        Self {
            raw,
            name: raw.name.as_deref().map(Arc::from),
            noise: raw.noise.clone().map(Arc::new),
            profile: profile.map(|profile| Arc::new(profile.steps().expect(checked))),
            load: load.map(|load| Arc::new(load.steps().expect(checked))),
        }
    }

    /// The device of a client, with its own speed of a core and memory where it has them.
    pub(super) fn draw(
        &self,
        draw: Draw<'_>,
        (own_speed, own_memory): (Option<ComputeSpeed>, Option<Bytes>),
    ) -> Result<Device, DeploymentError> {
        let raw = self.raw;
        let speed = raw.speed.as_ref();
        let speed = speed.expect("a device has a speed when a scenario is loaded");
        let core_speed = draw.value(own_speed, speed, "speed")?;
        let memory_bytes = match &raw.memory {
            Some(memory) => Some(draw.value(own_memory, memory, "memory")? as u64),
            None => own_memory.map(|memory| memory.base() as u64),
        };
        let power = raw.power.clone().unwrap_or_default();
        let mut processor = Processor::new(core_speed, raw.cores);
        if let Some(profile) = &self.profile {
            processor = processor.with_profile(Arc::clone(profile));
        }
        if let Some(load) = &self.load {
            processor = processor.with_load(Arc::clone(load));
        }
        Ok(Device {
            processor,
            training_cores: raw.training_cores.unwrap_or(raw.cores),
            memory_bytes,
            power: Power {
                idle: power.idle.base(),
                busy: power.busy.base(),
                transmit: power.transmit.base(),
                receive: power.receive.base(),
            },
        })
    }
}

impl DeviceModel<'_> {
    /// The battery as the scenario gives it.
    pub(super) fn battery(&self) -> Option<&RawBattery> {
        self.raw.battery.as_ref()
    }

    /// The battery of a client, where its device has one.
    pub(super) fn draw_battery(
        &self,
        draw: Draw<'_>,
    ) -> Result<Option<ClientBattery>, DeploymentError> {
        let Some(battery) = &self.raw.battery else {
            return Ok(None);
        };
        Ok(Some(ClientBattery {
            capacity: draw.value(None, &battery.capacity, "battery capacity")?,
            level: draw.value(None, &battery.level, "battery level")? / 100.0,
        }))
    }
}

/// The one device of an aggregator.
pub(super) fn single(
    raw: &RawDevice,
    name: &str,
    world: Streams,
) -> Result<Device, DeploymentError> {
    DeviceModel::new(raw).draw(Draw::of(name, world), (None, None))
}

impl Deployment {
    /// What each computation's speed is of the device's, drawn as computations begin.
    pub(super) fn noise(&self, client: &ClientSpec) -> Option<SpeedNoise> {
        let (sampled, index) = client.noise.clone()?;
        let mut stream = self.dynamics.stream(&client.name, "speed noise");
        Some(SpeedNoise::new(move || {
            // Bounds are set when a scenario is loaded, and a column has a row for each client.
            let factor = sampled.draw(index, &mut stream);
            factor.map_or(1.0, Quantity::base)
        }))
    }
}
