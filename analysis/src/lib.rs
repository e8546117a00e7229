//! Statistics over the tables that a run of fedstill wrote.
