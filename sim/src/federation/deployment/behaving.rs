//! Behaving: what the links between clients and server do besides carrying bytes.

use super::{ClientSpec, DeploymentError, failed};
use crate::kernel::Streams;
use crate::network::{Bandwidth, Conduct, Failure, Graph, HostId, ResourceId};
use crate::scenario::{Quantity, Scenario};

/// Of a deployment whose server is attached first and its clients after it, to this core; `None`
/// where links do nothing else.
pub(super) fn conduct(
    scenario: &Scenario,
    clients: &[ClientSpec],
    core: &Graph,
    world: Streams,
    dynamics: Streams,
) -> Result<Option<Conduct>, DeploymentError> {
    let mut conduct = scenario
        .network
        .conduct(core, dynamics)
        .map_err(|error| failed("network")(&error.message))?;
    // The rule of numbers: see `Connections`.
    let hosts = u32::try_from(clients.len() + 1).expect("the number of clients was checked");
    for (resource, _) in &mut conduct.links {
        resource.0 += 2 * hosts;
    }
    let mut access = Vec::new();
    let mut number = 0;
    for group in &scenario.clients {
        let behaviour = group
            .link
            .conduct()
            .map_err(|error| failed(&group.name)(&error.message))?;
        for index in 0..group.count {
            let client: &ClientSpec = &clients[number];
            number += 1;
            let host = HostId(u32::try_from(number).expect("the number of clients was checked"));
            if let Some(cap) = &group.link.cap {
                let mut stream = world.stream(&client.name, "cap");
                let cap = cap.draw(index, &mut stream);
                let cap =
                    cap.map_err(|error| failed(&format!("cap of {}", client.name))(&error))?;
                let cap = Bandwidth::from_bits_per_second(cap.base());
                let cap =
                    cap.map_err(|error| failed(&format!("cap of {}", client.name))(&error))?;
                conduct.caps.push((host, cap));
            }
            if let Some(behaviour) = &behaviour {
                let [up, down] = behaviour.of(&client.name, dynamics);
                access.push((ResourceId(2 * host.0), up));
                access.push((ResourceId(2 * host.0 + 1), down));
            }
        }
    }
    conduct.links.extend(access);
    let silent = conduct.links.is_empty() && conduct.caps.is_empty();
    let stalls = conduct.failure == Failure::Stall;
    Ok((!silent || !stalls).then_some(conduct))
}
