//! The applications of samples, and the options for the size of each.

use clap::{Args, ValueEnum};

use crate::server::profile::builtin::{carol, ocomms, supportsignal};

/// The application whose sample is made.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Application {
    Supportsignal,
    Ocomms,
    Carol,
}

impl std::fmt::Display for Application {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Supportsignal => supportsignal::PRODUCT.name,
            Self::Ocomms => ocomms::PRODUCT.name,
            Self::Carol => carol::PRODUCT.name,
        })
    }
}

#[derive(Debug, Args)]
#[command(next_help_heading = "Size, with --application supportsignal")]
pub struct SupportSignalSize {
    /// Number of incidents [default: 500].
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(0..=100_000_000))]
    incidents: Option<u64>,
    /// Number of participants [default: 100].
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(0..=100_000_000))]
    participants: Option<u64>,
    /// Number of companies [default: one for every 12 participants, from 3 to 500].
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..=1_000_000))]
    companies: Option<u64>,
    /// Percentage of participants and incidents that belong to the first company [default: as many as to the others].
    #[arg(long, value_name = "PERCENT", value_parser = clap::value_parser!(u64).range(1..=100))]
    largest_share: Option<u64>,
}

#[derive(Debug, Args)]
#[command(next_help_heading = "Size, with --application ocomms")]
pub struct OCommsSize {
    /// Number of organizations [default: 20].
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..=1_000_000))]
    organizations: Option<u64>,
    /// Number of messages; those of one organization are mostly in one channel [default: 100000].
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(0..=1_000_000_000))]
    messages: Option<u64>,
}

#[derive(Debug, Args)]
#[command(next_help_heading = "Size, with --application carol")]
pub struct CarolSize {
    /// Number of users [default: 5].
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(3..=1_000_000))]
    users: Option<u64>,
    /// Number of people whom each user knows; notes and files grow with them [default: 40].
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(0..=10_000_000))]
    people: Option<u64>,
}

impl SupportSignalSize {
    pub fn spec(&self, seed: u64) -> supportsignal::SampleSpec {
        let default = supportsignal::SampleSpec::default();
        supportsignal::SampleSpec {
            incidents: self.incidents.unwrap_or(default.incidents),
            participants: self.participants.unwrap_or(default.participants),
            companies: self.companies,
            largest_share: self.largest_share,
            seed,
        }
    }

    /// The first of these options that is given.
    pub fn first_given(&self) -> Option<&'static str> {
        first_given([
            (self.incidents, "--incidents"),
            (self.participants, "--participants"),
            (self.companies, "--companies"),
            (self.largest_share, "--largest-share"),
        ])
    }
}

impl OCommsSize {
    pub fn spec(&self, seed: u64) -> ocomms::SampleSpec {
        let default = ocomms::SampleSpec::default();
        ocomms::SampleSpec {
            organizations: self.organizations.unwrap_or(default.organizations),
            messages: self.messages.unwrap_or(default.messages),
            seed,
        }
    }

    /// The first of these options that is given.
    pub fn first_given(&self) -> Option<&'static str> {
        first_given([(self.organizations, "--organizations"), (self.messages, "--messages")])
    }
}

impl CarolSize {
    pub fn spec(&self, seed: u64) -> carol::SampleSpec {
        let default = carol::SampleSpec::default();
        carol::SampleSpec {
            users: self.users.unwrap_or(default.users),
            people: self.people.unwrap_or(default.people),
            seed,
        }
    }

    /// The first of these options that is given.
    pub fn first_given(&self) -> Option<&'static str> {
        first_given([(self.users, "--users"), (self.people, "--people")])
    }
}

fn first_given<const N: usize>(options: [(Option<u64>, &'static str); N]) -> Option<&'static str> {
    options.into_iter().find_map(|(value, name)| value.map(|_| name))
}
