//! Placing: where clients and server stand in the network, with their devices.

use super::{Deployment, duration};
use crate::network::{Access, HostId, Network, Star};
use crate::scenario::{Quantity, RawOnReturn};
use crate::world::{OnReturn, Site};

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
                device: client.device,
                availability: client
                    .presence
                    .availability(&client.name, self.world, self.dynamics),
                battery: client.battery.map(|battery| {
                    let idle = client.device.power.idle;
                    let (presence, name) = (&client.presence, &client.name);
                    Box::new(presence.battery(battery, idle, name, self.world))
                }),
                on_return: match client.on_return {
                    RawOnReturn::Abandon => OnReturn::Abandon,
                    RawOnReturn::Resume => OnReturn::Resume,
                },
                drops: client.presence.drops(&client.name, self.dynamics),
            });
        let sites = sites.collect();
        let hub = star.server();
        let transport = self.scenario.network.transport.choice();
        (Network::from_star_with(star, transport), hub, sites)
    }
}

fn bandwidth(bits_per_second: f64) -> crate::network::Bandwidth {
    crate::network::Bandwidth::from_bits_per_second(bits_per_second)
        .expect("bandwidths are checked when a scenario is loaded")
}
