//! Chrome's trace-event JSON, written event by event.
//!
//! The format is that of the document "Trace Event Format" (Google, 2016), which Perfetto and
//! chrome://tracing read. Times are microseconds with three decimals, so every nanosecond is there.
//! Slices are written as begin and end (`B`, `E`) and not with a length (`X`): Perfetto turns each
//! time into a double and cuts it to whole nanoseconds, so a begin plus a length can end after the
//! next begin, whereas equal texts stay equal and the order of times is kept.

use crate::time::SimTime;
use serde_json::{Map, Value, json};
use std::io::{self, Write};

/// What is said of an event beside its name.
pub(super) type Arguments = Map<String, Value>;

/// Numbers threads apart from processes: one whose number is its process's is taken for its main
/// thread, and names of threads are looked up by their number alone.
const FIRST_THREAD: u64 = 1000;

/// A trace under way.
pub(super) struct TraceWriter<W: Write> {
    out: W,
    events: u64,
    processes: u64,
    threads: u64,
}

/// A process of the trace: a heading with tracks below it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Process(u64);

/// A thread of the trace: one track of slices that do not overlap.
#[derive(Debug, Clone, Copy)]
pub(super) struct Thread {
    process: u64,
    thread: u64,
}

impl<W: Write> TraceWriter<W> {
    /// Begins the file.
    pub(super) fn new(mut out: W, about: &Arguments) -> io::Result<Self> {
        let about = Value::Object(about.clone());
        write!(
            out,
            "{{\"displayTimeUnit\":\"ms\",\"otherData\":{about},\"traceEvents\":["
        )?;
        Ok(Self {
            out,
            events: 0,
            processes: 0,
            threads: FIRST_THREAD,
        })
    }

    pub(super) fn process(&mut self, name: &str) -> io::Result<Process> {
        self.processes += 1;
        let number = self.processes;
        self.event(&json!({
            "ph": "M", "pid": number, "name": "process_name", "args": { "name": name },
        }))?;
        self.event(&json!({
            "ph": "M", "pid": number, "name": "process_sort_index",
            "args": { "sort_index": number },
        }))?;
        Ok(Process(number))
    }

    pub(super) fn thread(&mut self, process: Process, name: &str) -> io::Result<Thread> {
        let thread = Thread {
            process: process.0,
            thread: self.threads,
        };
        self.threads += 1;
        let (pid, tid) = (thread.process, thread.thread);
        self.event(&json!({
            "ph": "M", "pid": pid, "tid": tid, "name": "thread_name", "args": { "name": name },
        }))?;
        self.event(&json!({
            "ph": "M", "pid": pid, "tid": tid, "name": "thread_sort_index",
            "args": { "sort_index": tid },
        }))?;
        Ok(thread)
    }

    /// Something that lasts. On one thread slices must follow each other.
    pub(super) fn slice(
        &mut self,
        thread: Thread,
        [start, end]: [SimTime; 2],
        name: &str,
        arguments: Arguments,
    ) -> io::Result<()> {
        let (pid, tid) = (thread.process, thread.thread);
        self.timed(
            start,
            &json!({ "ph": "B", "pid": pid, "tid": tid, "name": name, "args": arguments }),
        )?;
        self.timed(end, &json!({ "ph": "E", "pid": pid, "tid": tid }))
    }

    /// A mark on a track.
    pub(super) fn mark(
        &mut self,
        thread: Thread,
        at: SimTime,
        name: &str,
        arguments: Arguments,
    ) -> io::Result<()> {
        let (pid, tid) = (thread.process, thread.thread);
        self.timed(
            at,
            &json!({
                "ph": "i", "s": "t", "pid": pid, "tid": tid, "name": name, "args": arguments,
            }),
        )
    }

    /// The value of a counter from an instant on.
    pub(super) fn counter(
        &mut self,
        process: Process,
        at: SimTime,
        [name, of]: [&str; 2],
        value: Value,
    ) -> io::Result<()> {
        let mut arguments = Arguments::new();
        arguments.insert(of.to_owned(), value);
        self.timed(
            at,
            &json!({ "ph": "C", "pid": process.0, "name": name, "args": arguments }),
        )
    }

    /// Ends the file.
    pub(super) fn finish(mut self) -> io::Result<()> {
        self.out.write_all(b"\n]}\n")?;
        self.out.flush()
    }

    fn timed(&mut self, at: SimTime, event: &Value) -> io::Result<()> {
        let nanoseconds = at.as_nanos();
        let (whole, rest) = (nanoseconds / 1000, nanoseconds % 1000);
        self.separate()?;
        // A number of JSON holds as many digits as are written; a double would not.
        write!(self.out, "{{\"ts\":{whole}.{rest:03},")?;
        let text = event.to_string();
        self.out.write_all(&text.as_bytes()[1..])
    }

    fn event(&mut self, event: &Value) -> io::Result<()> {
        self.separate()?;
        write!(self.out, "{event}")
    }

    fn separate(&mut self) -> io::Result<()> {
        self.events += 1;
        let separator: &[u8] = if self.events == 1 { b"\n" } else { b",\n" };
        self.out.write_all(separator)
    }
}
