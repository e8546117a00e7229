//! What links do besides carrying bytes, as the network needs it.

use super::column::ColumnError;
use super::quantity::{Bandwidth, Duration};
use super::raw::{
    RawAccessProfile, RawBackground, RawDirection, RawFailure, RawLink, RawNetwork, RawOutages,
    RawProfile,
};
use super::sampled::Sampled;
use crate::kernel::Streams;
use crate::network::{
    self, Background, Conduct, Failure, Graph, Jitter, LinkBehaviour, OnOff, Profile, ResourceId,
    Retries,
};
use crate::time::SimDuration;
use std::collections::BTreeMap;
use std::sync::Arc;

/// Stands for every link of the topology.
pub(crate) const EVERY_LINK: &str = "*";

/// Ethernet's 1500 bytes less the headers of IP and TCP.
const SEGMENT_BYTES: f64 = 1460.0;

impl RawNetwork {
    /// What the links of the topology do, with nothing of access links yet; draws come from
    /// `dynamics`.
    ///
    /// # Errors
    /// Only for a profile that no check has seen.
    pub(crate) fn conduct(&self, core: &Graph, dynamics: Streams) -> Result<Conduct, ColumnError> {
        // The parts of each link, in the order of the topology.
        let mut parts: BTreeMap<&str, Vec<(ResourceId, &str)>> = BTreeMap::new();
        let count = u32::try_from(core.capacities().len()).unwrap_or(u32::MAX);
        for resource in (0..count).map(ResourceId) {
            let part = core.link_direction(resource);
            parts
                .entry(part.link)
                .or_default()
                .push((resource, part.direction));
        }
        let mut links: BTreeMap<ResourceId, LinkBehaviour> = BTreeMap::new();
        for raw in &self.link {
            let profile = raw.profile.as_ref().map(RawProfile::profile).transpose()?;
            let profile = profile.map(Arc::new);
            let jitter = raw.jitter.clone().map(jitter);
            let named = raw.link.names().iter();
            let names: Vec<&str> = if raw.link.names().iter().any(|name| name == EVERY_LINK) {
                parts.keys().copied().collect()
            } else {
                named.map(String::as_str).collect()
            };
            for name in names {
                let outages = raw.outages.as_ref().map(|outages| {
                    let purpose = match raw.direction {
                        RawDirection::Both => "link outages",
                        RawDirection::Forward => "link outages forward",
                        RawDirection::Backward => "link outages backward",
                    };
                    on_off(outages.up, outages.down, dynamics, name, purpose)
                });
                for (resource, direction) in parts.get(name).into_iter().flatten() {
                    if !raw.direction.covers(direction) {
                        continue;
                    }
                    let link = links.entry(*resource).or_default();
                    link.loss = raw.loss.unwrap_or(link.loss);
                    link.jitter = jitter.clone().or(link.jitter.take());
                    link.profile = profile.clone().or(link.profile.take());
                    link.outages = outages.clone().or(link.outages.take());
                    let background = raw.background.as_ref();
                    let background =
                        background.map(|raw| raw.background(dynamics, name, direction));
                    link.background = background.or(link.background.take());
                }
            }
        }
        Ok(Conduct {
            links: links.into_iter().collect(),
            caps: Vec::new(),
            failure: self.failure.choice(),
            segment_bytes: self.mss.map_or(SEGMENT_BYTES, |mss| mss.bytes()),
            streams: dynamics,
        })
    }
}

impl RawDirection {
    /// Whether a part of a link is meant; one whose directions share is both.
    fn covers(self, direction: &str) -> bool {
        match self {
            Self::Both => true,
            Self::Forward => direction == "forward",
            Self::Backward => direction == "backward",
        }
    }
}

impl RawFailure {
    pub(crate) fn choice(&self) -> Failure {
        match *self {
            Self::Stall => Failure::Stall,
            Self::Cut {
                attempts,
                backoff,
                factor,
                longest,
                resume,
            } => Failure::Cut(Retries {
                attempts,
                backoff: length(backoff),
                factor,
                longest: length(longest),
                resume,
            }),
        }
    }
}

impl RawBackground {
    pub(crate) fn rate(&self) -> Bandwidth {
        match self {
            Self::Constant { rate } | Self::OnOff { rate, .. } => *rate,
        }
    }

    fn background(&self, dynamics: Streams, name: &str, direction: &str) -> Background {
        let rate = network::Bandwidth::from_bits_per_second(self.rate().bits_per_second())
            .expect("bandwidths are checked when a scenario is loaded");
        match self {
            Self::Constant { .. } => Background::Constant(rate),
            Self::OnOff { on, off, .. } => {
                let purpose = format!("background {direction}");
                Background::OnOff(rate, Box::new(on_off(*on, *off, dynamics, name, &purpose)))
            }
        }
    }
}

fn on_off(on: Duration, off: Duration, streams: Streams, name: &str, purpose: &str) -> OnOff {
    OnOff::new(length(on), length(off), streams.stream(name, purpose))
}

fn jitter(sampled: Sampled<Duration>) -> Jitter {
    Jitter::new(move |stream| match sampled.draw(0, stream) {
        Ok(length_) => length(length_),
        Err(_) => SimDuration::ZERO,
    })
}

fn length(duration: Duration) -> SimDuration {
    SimDuration::from_nanos(duration.nanoseconds())
}

/// What the access links of a group of clients do, as far as it is the same for all of them.
#[derive(Debug)]
pub(crate) struct AccessConduct {
    loss: f64,
    jitter: Option<Jitter>,
    /// Up and down.
    profiles: [Option<Arc<Profile>>; 2],
    outages: Option<RawOutages>,
}

impl RawLink {
    /// `None` where access links only carry bytes.
    ///
    /// # Errors
    /// Only for a profile that no check has seen.
    pub(crate) fn conduct(&self) -> Result<Option<AccessConduct>, ColumnError> {
        let profiles = self.profile.as_ref();
        let profiles = profiles.map(RawAccessProfile::profiles).transpose()?;
        let conduct = AccessConduct {
            loss: self.loss.unwrap_or(0.0),
            jitter: self.jitter.clone().map(jitter),
            profiles: profiles.unwrap_or_default(),
            outages: self.outages.clone(),
        };
        let silent = conduct.loss == 0.0
            && conduct.jitter.is_none()
            && conduct.profiles.iter().all(Option::is_none)
            && conduct.outages.is_none();
        Ok((!silent).then_some(conduct))
    }
}

impl RawAccessProfile {
    fn profiles(&self) -> Result<[Option<Arc<Profile>>; 2], ColumnError> {
        let read = |raw: &Option<RawProfile>| {
            let profile = raw.as_ref().map(RawProfile::profile).transpose()?;
            Ok(profile.map(Arc::new))
        };
        match &self.both {
            Some(_) => {
                let both = read(&self.both)?;
                Ok([both.clone(), both])
            }
            None => Ok([read(&self.up)?, read(&self.down)?]),
        }
    }
}

impl AccessConduct {
    /// What the two directions of a client's link do, up and down. Both fail together.
    pub(crate) fn of(&self, client: &str, dynamics: Streams) -> [LinkBehaviour; 2] {
        let outages = self.outages.as_ref();
        let outages = outages.map(|raw| on_off(raw.up, raw.down, dynamics, client, "link outages"));
        [0, 1].map(|direction| LinkBehaviour {
            loss: self.loss,
            jitter: self.jitter.clone(),
            background: None,
            profile: self.profiles[direction].clone(),
            outages: outages.clone(),
        })
    }
}
