//! Placing: where clients and server stand in the network, with their devices.

use super::{ClientSpec, Deployment, duration};
use crate::device::{Availability, DropRate};
use crate::network::{Access, HostId, Network, Star};
use crate::scenario::{Quantity, RawDropout};
use crate::world::Site;

impl Deployment {
    /// The network and the clients' places and devices in it; the server's host comes first.
    pub(crate) fn place(&self) -> (Network, HostId, Vec<Site>) {
        let server = &self.scenario.server;
        let star = Star::new(
            Access {
                name: "server".to_owned(),
                up: bandwidth(server.up.base()),
                down: bandwidth(server.down.base()),
                latency: duration(server.latency),
            },
            self.clients.iter().map(|client| Access {
                name: client.name.clone(),
                up: bandwidth(client.link.0),
                down: bandwidth(client.link.1),
                latency: client.link.2,
            }),
        );
        let sites = self
            .clients
            .iter()
            .enumerate()
            .map(|(number, client)| Site {
                host: star
                    .client(u32::try_from(number).expect("the number of clients was checked")),
                device: client.device.clone(),
                availability: self.availability(client),
                drops: self.drops(client),
                noise: self.noise(client),
            });
        let sites = sites.collect();
        let hub = star.server();
        let transport = self.scenario.network.transport.choice();
        (Network::from_star_with(star, transport), hub, sites)
    }

    fn availability(&self, client: &ClientSpec) -> Availability {
        match client.dropout {
            RawDropout::Exponential { up, down } => Availability::exponential(
                duration(up),
                duration(down),
                self.dynamics.stream(&client.name, "availability"),
            ),
            RawDropout::None | RawDropout::PerParticipation { .. } => Availability::Always,
        }
    }

    fn drops(&self, client: &ClientSpec) -> Option<(DropRate, crate::kernel::Stream)> {
        match client.dropout {
            RawDropout::PerParticipation { rate } => {
                let stream = self.dynamics.stream(&client.name, "dropout");
                Some((DropRate(rate), stream))
            }
            RawDropout::None | RawDropout::Exponential { .. } => None,
        }
    }
}

fn bandwidth(bits_per_second: f64) -> crate::network::Bandwidth {
    crate::network::Bandwidth::from_bits_per_second(bits_per_second)
        .expect("bandwidths are checked when a scenario is loaded")
}
