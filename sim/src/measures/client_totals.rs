//! What each client spent over the whole run.

use crate::records::RunBooks;
use crate::world::{ClientState, Outcome, TransferKind};

/// Sums over one client's participations and time.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct ClientTotals {
    /// Participations.
    pub selected: u64,
    /// Of those, merged.
    pub merged: u64,
    /// Bytes received.
    pub down_bytes: u64,
    /// Bytes sent.
    pub up_bytes: u64,
    /// FLOPs of training, distillation and inference.
    pub flops: [u64; 3],
    /// Energy drawn while transferring and computing for participations.
    pub participation_joules: f64,
    /// Energy drawn over the whole run: seconds of each state times its draw, nothing offline.
    pub joules: f64,
}

/// One figure of a client's totals.
pub(super) type Figure = fn(&ClientTotals) -> f64;

impl ClientTotals {
    /// Of every client, in child order.
    #[must_use]
    pub fn of(books: &RunBooks) -> Vec<Self> {
        let mut totals = vec![Self::default(); books.clients.len()];
        for participation in &books.accounts.participations {
            let Some(client) = books.client_place(participation.client) else {
                continue;
            };
            let client = &mut totals[client];
            client.selected += 1;
            client.merged += u64::from(participation.outcome == Some(Outcome::Merged));
            client.down_bytes += participation.down_bytes;
            client.up_bytes += participation.up_bytes;
            for (sum, flops) in client.flops.iter_mut().zip(participation.flops) {
                *sum += flops;
            }
            client.participation_joules += participation.energy_joules;
        }
        // What is in no participation of the client's own.
        for transfer in &books.accounts.transfers {
            let (sends, receives) = match transfer.kind {
                TransferKind::Client | TransferKind::Tier => continue,
                TransferKind::Peer => (None, books.client_place(transfer.to)),
                TransferKind::Control => (
                    books.client_place(transfer.from),
                    books.client_place(transfer.to),
                ),
            };
            if let Some(client) = sends {
                totals[client].up_bytes += transfer.effort.sent_bytes;
            }
            if let Some(client) = receives {
                totals[client].down_bytes += transfer.effort.received_bytes();
            }
        }
        let devices = books.clients.iter().zip(&books.accounts.client_times);
        for (total, (client, times)) in totals.iter_mut().zip(devices) {
            let seconds = |state| times.in_state(state).as_secs_f64();
            let power = client.power;
            total.joules = power.busy * seconds(ClientState::Computing)
                + power.receive * seconds(ClientState::Receiving)
                + power.transmit * seconds(ClientState::Sending)
                + power.idle * seconds(ClientState::WaitingForVersion)
                + power.idle * seconds(ClientState::WaitingForPeer)
                + power.idle * seconds(ClientState::Unselected);
        }
        totals
    }
}
