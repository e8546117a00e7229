//! The front door of fedstill: reads the command line, calls the crates, prints.

mod arguments;
mod batch;
mod calibrate;
mod check;
mod listings;
mod printer;
mod progress;
mod summary;

use arguments::{Arguments, Command};
use clap::Parser;
use std::process::ExitCode;

/// How the program ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Exit {
    Done,
    RunFailed,
    WrongInput,
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit as u8)
    }
}

fn main() -> ExitCode {
    // clap ends with 2 on wrong arguments, which is what wrong input ends with here too.
    let arguments = Arguments::parse();
    let exit = match arguments.command {
        Command::Run(run) => batch::run(&run),
        Command::Check(check) => check::check(&check),
        Command::Methods { name } => listings::methods(name.as_deref()),
        Command::Devices { name } => listings::devices(name.as_deref()),
        Command::Models(models) => listings::models(&models),
        Command::Calibrate(calibrate) => calibrate::calibrate(&calibrate),
        Command::Datasets => listings::datasets(),
        Command::Schema => listings::schema(),
    };
    exit.into()
}
