//! `clients.csv`: a client as it was drawn, and where its time went.

use crate::measures::{Measures, benefit_of};
use crate::records::books::RunBooks;
use crate::records::table::table;
use crate::scenario::RawBenefit;
use crate::time::SimDuration;
use crate::world::ClientState;

table! {
    /// One row a client. The seconds of all states add up to the run's end_s.
    pub struct ClientRow<'a> in "clients",
    key [client_id],
    references [[] in "runs" []],
    /// The client: its group and its number in it.
    client_id: &'a str;
    /// Its group.
    group: &'a str;
    /// Its architecture.
    model: &'a str;
    /// Number of the model's parameters.
    n_parameters: u64;
    /// Samples that it trains on.
    n_train: u64;
    /// Samples held out as its own test set.
    n_test: u64;
    /// Number of classes among its training samples.
    n_classes: u64;
    /// Entropy of the labels of its training samples, in bits; 0 where all are of one class, empty where it has none.
    label_entropy: Option<f64>, "bit";
    /// The writer, hospital or device whose samples it has, as the data call it; empty unless the partition is natural.
    data_group: Option<&'a str>;
    /// Jensen–Shannon divergence of its shares of labels from those of all clients' training samples: 0 is the same, 1 nothing in common.
    label_divergence: Option<f64>, "bit";
    /// Total variation distance of its shares of labels from those of all clients' training samples: the share of its samples that would have to change their label.
    label_distance: Option<f64>, "1";
    /// Degrees by which its images are turned counterclockwise; empty, as the seven columns that follow, where its group's data are the pool's as they are.
    rotation_degrees: Option<f64>, "degree";
    /// Factor of each value's distance from the mean of its sample.
    contrast: Option<f64>, "1";
    /// What is added to each value of a sample.
    brightness: Option<f64>, "1";
    /// Standard deviation of the noise added to each value.
    feature_noise: Option<f64>, "1";
    /// Probability that one of its training labels is wrong.
    label_noise: Option<f64>, "1";
    /// Classes that it calls otherwise than the data.
    n_renamed_classes: Option<u64>;
    /// Classes of which it has no samples, whatever was dealt to it.
    n_missing_classes: Option<u64>;
    /// Features that it does not measure.
    n_missing_features: Option<u64>;
    /// Class or name of its device; empty where it has none.
    device: Option<&'a str>;
    /// Cores of its device.
    cores: u64;
    /// Effective floating-point operations per second in training, all its cores together, while its speed profile says 1 and nothing else runs.
    speed_flops: f64, "FLOP/s";
    /// Memory that training may use; empty where there is no limit.
    memory_bytes: Option<u64>, "byte";
    /// Bandwidth of its link to the network.
    link_up_bps: f64, "bit/s";
    /// Bandwidth of its link from the network.
    link_down_bps: f64, "bit/s";
    /// One-way latency of its link.
    link_latency_s: f64, "s";
    /// Draw when neither computing nor transferring.
    power_idle_watts: f64, "W";
    /// Draw when computing.
    power_busy_watts: f64, "W";
    /// Draw when sending.
    power_transmit_watts: f64, "W";
    /// Draw when receiving.
    power_receive_watts: f64, "W";
    /// Its participations.
    n_selected: u64;
    /// Of those, merged.
    n_merged: u64;
    /// Bytes received, from peers only what it was online to take.
    down_bytes: u64, "byte";
    /// Bytes sent.
    up_bytes: u64, "byte";
    /// FLOPs of training, distillation and inference.
    client_flops: u64, "FLOP";
    /// Energy over the whole run: seconds of each state times its draw, nothing offline.
    energy_joules: f64, "J";
    /// Time offline, whatever it was doing.
    offline_s: SimDuration, "s";
    /// Time online and computing.
    computing_s: SimDuration, "s";
    /// Time online and receiving, latency included.
    receiving_s: SimDuration, "s";
    /// Time online and sending, latency included.
    sending_s: SimDuration, "s";
    /// Time online with its contribution delivered and the version still open.
    waiting_version_s: SimDuration, "s";
    /// Time online waiting for what another client has yet to pass on: 0 unless peer to peer.
    waiting_peer_s: SimDuration, "s";
    /// Time online when nobody asked it to work.
    unselected_s: SimDuration, "s";
    /// Final accuracy minus that of a local-only twin of equally many passes over the client's own data, on the global test set weighted by the client's label shares; empty where not asked for.
    benefit_equal_epochs_matched: Option<f64>, "1";
    /// The same on the global test set.
    benefit_equal_epochs_global: Option<f64>, "1";
    /// Passes over its own data that this twin made.
    twin_equal_epochs_epochs: Option<u64>;
    /// Whether this twin was stopped by the cap on its passes.
    twin_equal_epochs_capped: Option<bool>;
    /// Final accuracy minus that of a local-only twin that trained whenever the device was there until the run's end, on the global test set weighted by the client's label shares; empty where not asked for.
    benefit_equal_time_matched: Option<f64>, "1";
    /// The same on the global test set.
    benefit_equal_time_global: Option<f64>, "1";
    /// Passes over its own data that this twin made.
    twin_equal_time_epochs: Option<u64>;
    /// Whether this twin was stopped by the cap on its passes.
    twin_equal_time_capped: Option<bool>;
    /// What is left in its battery at the end of the run, of 1 when full; empty without one.
    battery_level: Option<f64>, "1";
}

pub(super) fn rows<'a>(
    books: &'a RunBooks,
    measures: &'a Measures,
) -> impl Iterator<Item = ClientRow<'a>> {
    let times = &books.accounts.client_times;
    let batteries = &books.accounts.battery_levels;
    let clients = books.clients.iter().zip(times).zip(&measures.totals);
    clients
        .enumerate()
        .map(|(place, ((client, times), total))| {
            let (up, down, latency) = client.link;
            let skew = measures.partition.clients[place];
            let site = client.data_site;
            let epochs = benefit_of(&client.benefit, RawBenefit::EqualEpochs);
            let time = benefit_of(&client.benefit, RawBenefit::EqualTime);
            ClientRow {
                run_id: &books.identity.run_id,
                client_id: &client.name,
                group: &client.group,
                model: &client.model,
                n_parameters: client.parameters,
                n_train: client.n_train,
                n_test: client.n_test,
                n_classes: client
                    .label_counts
                    .iter()
                    .filter(|count| **count > 0)
                    .count() as u64,
                label_entropy: skew.map(|skew| skew.entropy),
                data_group: client.data_group.as_deref(),
                label_divergence: skew.map(|skew| skew.divergence),
                label_distance: skew.map(|skew| skew.distance),
                rotation_degrees: site.map(|site| site.rotation),
                contrast: site.map(|site| site.contrast),
                brightness: site.map(|site| site.brightness),
                feature_noise: site.map(|site| site.noise),
                label_noise: site.map(|site| site.label_noise),
                n_renamed_classes: site.map(|site| site.renamed_classes),
                n_missing_classes: site.map(|site| site.missing_classes),
                n_missing_features: site.map(|site| site.missing_features),
                device: client.device.as_deref(),
                cores: u64::from(client.cores),
                speed_flops: client.flops_per_second,
                memory_bytes: client.memory_bytes,
                link_up_bps: up,
                link_down_bps: down,
                link_latency_s: latency,
                power_idle_watts: client.power.idle,
                power_busy_watts: client.power.busy,
                power_transmit_watts: client.power.transmit,
                power_receive_watts: client.power.receive,
                n_selected: total.selected,
                n_merged: total.merged,
                down_bytes: total.down_bytes,
                up_bytes: total.up_bytes,
                client_flops: total.flops.iter().sum(),
                energy_joules: total.joules,
                offline_s: times.offline(),
                computing_s: times.in_state(ClientState::Computing),
                receiving_s: times.in_state(ClientState::Receiving),
                sending_s: times.in_state(ClientState::Sending),
                waiting_version_s: times.in_state(ClientState::WaitingForVersion),
                waiting_peer_s: times.in_state(ClientState::WaitingForPeer),
                unselected_s: times.in_state(ClientState::Unselected),
                benefit_equal_epochs_matched: epochs.and_then(|benefit| benefit.matched),
                benefit_equal_epochs_global: epochs.map(|benefit| benefit.global),
                twin_equal_epochs_epochs: epochs.map(|benefit| benefit.epochs),
                twin_equal_epochs_capped: epochs.map(|benefit| benefit.capped),
                benefit_equal_time_matched: time.and_then(|benefit| benefit.matched),
                benefit_equal_time_global: time.map(|benefit| benefit.global),
                twin_equal_time_epochs: time.map(|benefit| benefit.epochs),
                twin_equal_time_capped: time.map(|benefit| benefit.capped),
                battery_level: batteries.get(place).copied().flatten(),
            }
        })
}
