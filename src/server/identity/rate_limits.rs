//! Rate limits for sign-in, per account and per network. No limit locks an account permanently.

use std::net::{IpAddr, Ipv6Addr};
use std::num::NonZeroU32;
use std::time::Duration;

use governor::clock::{Clock, DefaultClock};
use governor::{DefaultKeyedRateLimiter, Quota, RateLimiter};

pub struct SignInRateLimits {
    /// Per account and network: strict, because it does not affect other networks.
    per_account_and_network: DefaultKeyedRateLimiter<(String, IpAddr)>,
    /// Per account, over all networks: loose enough that an attacker cannot lock the owner out.
    per_account: DefaultKeyedRateLimiter<String>,
    per_network: DefaultKeyedRateLimiter<IpAddr>,
    /// Per IPv6 /56 and /48, which contain 256 and 65,536 networks of /64.
    per_ipv6_prefix: [(u32, DefaultKeyedRateLimiter<IpAddr>); 2],
    /// Per account and browser, for browsers that have signed in with the account before: attempts from elsewhere do
    /// not count against them.
    per_known_browser: DefaultKeyedRateLimiter<(String, String)>,
    /// Per account, for six-digit second-factor codes: after ten wrong ones, 288 a day, each with a chance of about
    /// 1 in 300,000. Recovery codes are not limited, so that an attacker's guesses do not lock the owner out.
    codes_per_account: DefaultKeyedRateLimiter<String>,
    /// Per account, for requests of accounts without capabilities, and per session, for second-factor codes: each costs
    /// the application's database a lookup.
    costly_lookups: DefaultKeyedRateLimiter<String>,
}

impl SignInRateLimits {
    pub fn new() -> Self {
        Self {
            per_account_and_network: RateLimiter::keyed(quota(10, Duration::from_secs(30))),
            per_account: RateLimiter::keyed(quota(200, Duration::from_secs(1))),
            per_network: RateLimiter::keyed(quota(60, Duration::from_secs(2))),
            per_ipv6_prefix: [
                (56, RateLimiter::keyed(quota(240, Duration::from_millis(500)))),
                (48, RateLimiter::keyed(quota(480, Duration::from_millis(250)))),
            ],
            per_known_browser: RateLimiter::keyed(quota(10, Duration::from_secs(30))),
            codes_per_account: RateLimiter::keyed(quota(10, Duration::from_mins(5))),
            costly_lookups: RateLimiter::keyed(quota(60, Duration::from_secs(1))),
        }
    }

    /// Counts an attempt. `Err` holds the seconds until the next one is allowed. `browser` is the id of a browser that
    /// has signed in with this account before.
    pub fn check_attempt(&self, account: &str, network: IpAddr, browser: Option<&str>) -> Result<(), u64> {
        if let Some(browser) = browser {
            return self
                .per_known_browser
                .check_key(&(account.to_lowercase(), browser.to_owned()))
                .map_err(retry_after_seconds);
        }
        for (bits, limiter) in &self.per_ipv6_prefix {
            if let IpAddr::V6(address) = network {
                limiter.check_key(&mask(address, *bits)).map_err(retry_after_seconds)?;
            }
        }
        let (network, account) = (network_prefix(network), account.to_lowercase());
        self.per_network.check_key(&network).map_err(retry_after_seconds)?;
        self.per_account_and_network.check_key(&(account.clone(), network)).map_err(retry_after_seconds)?;
        self.per_account.check_key(&account).map_err(retry_after_seconds)
    }

    /// Counts a second-factor code. `Err` as for `check_attempt`.
    pub fn check_code(&self, account_id: &str) -> Result<(), u64> {
        self.codes_per_account.check_key(&account_id.to_owned()).map_err(retry_after_seconds)
    }

    /// Counts a request of an account without capabilities, or of a session that awaits a code. `Err` as for `check_attempt`.
    pub fn check_costly_lookup(&self, key: &str) -> Result<(), u64> {
        self.costly_lookups.check_key(&key.to_owned()).map_err(retry_after_seconds)
    }

    pub fn prune(&self) {
        self.codes_per_account.retain_recent();
        self.costly_lookups.retain_recent();
        self.per_account_and_network.retain_recent();
        self.per_account.retain_recent();
        self.per_network.retain_recent();
        self.per_ipv6_prefix.iter().for_each(|(_, limiter)| limiter.retain_recent());
        self.per_known_browser.retain_recent();
    }
}

/// Returns the seconds until the next attempt, rounded up.
#[expect(clippy::needless_pass_by_value, reason = "map_err gives it away")]
fn retry_after_seconds(not_until: governor::NotUntil<<DefaultClock as Clock>::Instant>) -> u64 {
    not_until.wait_time_from(DefaultClock::default().now()).as_secs() + 1
}

/// # Panics
/// If either is zero: both are constants of this file.
#[expect(clippy::expect_used, reason = "every caller passes constants above zero")]
fn quota(burst: u32, refill: Duration) -> Quota {
    let quota = Quota::with_period(refill).expect("the period is not zero");
    quota.allow_burst(NonZeroU32::new(burst).expect("the burst is not zero"))
}

/// Maps an IPv6 address to its /64, all of which usually belongs to one household.
pub fn network_prefix(address: IpAddr) -> IpAddr {
    match address {
        IpAddr::V4(_) => address,
        IpAddr::V6(v6) => mask(v6, 64),
    }
}

/// Keeps the first `bits` of an address.
fn mask(address: Ipv6Addr, bits: u32) -> IpAddr {
    Ipv6Addr::from(u128::from(address) & (u128::MAX << (128 - bits))).into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_eleventh_attempt_on_an_account_waits_and_other_accounts_do_not() {
        let limits = SignInRateLimits::new();
        let network = "192.0.2.1".parse().unwrap();
        for _ in 0..10 {
            assert!(limits.check_attempt("a@example.test", network, None).is_ok());
        }
        let wait = limits.check_attempt("A@example.test", network, None).unwrap_err();
        assert!((1..=31).contains(&wait), "{wait}");
        assert!(limits.check_attempt("b@example.test", network, None).is_ok());
        let owner = "198.51.100.7".parse().unwrap();
        assert!(limits.check_attempt("a@example.test", owner, None).is_ok(), "the owner is kept out by a stranger");
    }

    /// M6, D4 of the review: tunnel brokers give away a /48 for free.
    #[test]
    fn many_networks_of_one_owner_do_not_keep_the_accounts_owner_out() {
        let limits = SignInRateLimits::new();
        let tried = (0..2000).filter(|n| {
            let network = format!("2001:db8:0:{n:x}::1").parse().unwrap();
            limits.check_attempt("a@example.test", network, None).is_ok()
        });
        assert!(tried.count() < 250);
        let owner = "198.51.100.7".parse().unwrap();
        assert!(limits.check_attempt("a@example.test", owner, Some("a browser of theirs")).is_ok());
    }

    #[test]
    fn addresses_of_one_ipv6_network_count_together() {
        assert_eq!(network_prefix("2001:db8::1".parse().unwrap()), network_prefix("2001:db8::2".parse().unwrap()));
        assert_ne!(network_prefix("2001:db8::1".parse().unwrap()), network_prefix("2001:db8:0:1::1".parse().unwrap()));
    }
}
