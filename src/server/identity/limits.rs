//! Rate limits for sign-in, per account and per network. No limit locks an account permanently.

use std::net::{IpAddr, Ipv6Addr};
use std::num::NonZeroU32;
use std::time::Duration;

use governor::clock::{Clock, DefaultClock};
use governor::{DefaultKeyedRateLimiter, Quota, RateLimiter};

pub struct SignInLimits {
    /// Per account and network: strict, because it does not affect other networks.
    guesses: DefaultKeyedRateLimiter<(String, IpAddr)>,
    /// Per account, over all networks: loose enough that an attacker cannot lock the owner out.
    accounts: DefaultKeyedRateLimiter<String>,
    networks: DefaultKeyedRateLimiter<IpAddr>,
    /// Per IPv6 /56 and /48, which contain 256 and 65,536 networks of /64.
    larger_networks: [(u32, DefaultKeyedRateLimiter<IpAddr>); 2],
    /// Per account and browser, for browsers that have signed in with the account before: attempts from elsewhere do
    /// not count against them.
    known_browsers: DefaultKeyedRateLimiter<(String, String)>,
    /// Per account, for six-digit second-factor codes: after ten wrong ones, 288 a day, each with a chance of about
    /// 1 in 300,000. Recovery codes are not limited, so that an attacker's guesses do not lock the owner out.
    codes: DefaultKeyedRateLimiter<String>,
    /// Per account, for requests of accounts without capabilities, and per session, for second-factor codes: each costs
    /// the application's database a lookup.
    questions: DefaultKeyedRateLimiter<String>,
}

impl SignInLimits {
    pub fn new() -> Self {
        Self {
            guesses: RateLimiter::keyed(quota(10, Duration::from_secs(30))),
            accounts: RateLimiter::keyed(quota(200, Duration::from_secs(1))),
            networks: RateLimiter::keyed(quota(60, Duration::from_secs(2))),
            larger_networks: [
                (56, RateLimiter::keyed(quota(240, Duration::from_millis(500)))),
                (48, RateLimiter::keyed(quota(480, Duration::from_millis(250)))),
            ],
            known_browsers: RateLimiter::keyed(quota(10, Duration::from_secs(30))),
            codes: RateLimiter::keyed(quota(10, Duration::from_mins(5))),
            questions: RateLimiter::keyed(quota(60, Duration::from_secs(1))),
        }
    }

    /// Counts an attempt. `Err` holds the seconds until the next one is allowed. `browser` is the id of a browser that
    /// has signed in with this account before.
    pub fn check(&self, account: &str, network: IpAddr, browser: Option<&str>) -> Result<(), u64> {
        if let Some(browser) = browser {
            return self.known_browsers.check_key(&(account.to_lowercase(), browser.to_owned())).map_err(wait);
        }
        for (bits, limiter) in &self.larger_networks {
            if let IpAddr::V6(address) = network {
                limiter.check_key(&masked(address, *bits)).map_err(wait)?;
            }
        }
        let (network, account) = (network_of(network), account.to_lowercase());
        self.networks.check_key(&network).map_err(wait)?;
        self.guesses.check_key(&(account.clone(), network)).map_err(wait)?;
        self.accounts.check_key(&account).map_err(wait)
    }

    /// Counts a second-factor code. `Err` as for `check`.
    pub fn check_code(&self, account_id: &str) -> Result<(), u64> {
        self.codes.check_key(&account_id.to_owned()).map_err(wait)
    }

    /// Counts a request of an account without capabilities, or of a session that awaits a code. `Err` as for `check`.
    pub fn check_question(&self, asker: &str) -> Result<(), u64> {
        self.questions.check_key(&asker.to_owned()).map_err(wait)
    }

    pub fn forget_the_calm(&self) {
        self.codes.retain_recent();
        self.questions.retain_recent();
        self.guesses.retain_recent();
        self.accounts.retain_recent();
        self.networks.retain_recent();
        self.larger_networks.iter().for_each(|(_, limiter)| limiter.retain_recent());
        self.known_browsers.retain_recent();
    }
}

/// Returns the seconds until the next attempt, rounded up.
#[expect(clippy::needless_pass_by_value, reason = "map_err gives it away")]
fn wait(not_until: governor::NotUntil<<DefaultClock as Clock>::Instant>) -> u64 {
    not_until.wait_time_from(DefaultClock::default().now()).as_secs() + 1
}

fn quota(burst: u32, refill: Duration) -> Quota {
    Quota::with_period(refill)
        .unwrap_or_else(|| Quota::per_minute(NonZeroU32::MIN))
        .allow_burst(NonZeroU32::new(burst).unwrap_or(NonZeroU32::MIN))
}

/// Maps an IPv6 address to its /64, all of which usually belongs to one household.
pub fn network_of(address: IpAddr) -> IpAddr {
    match address {
        IpAddr::V4(_) => address,
        IpAddr::V6(v6) => masked(v6, 64),
    }
}

/// Keeps the first `bits` of an address.
fn masked(address: Ipv6Addr, bits: u32) -> IpAddr {
    Ipv6Addr::from(u128::from(address) & (u128::MAX << (128 - bits))).into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_eleventh_attempt_on_an_account_waits_and_other_accounts_do_not() {
        let limits = SignInLimits::new();
        let network = "192.0.2.1".parse().unwrap();
        for _ in 0..10 {
            assert!(limits.check("a@example.test", network, None).is_ok());
        }
        let wait = limits.check("A@example.test", network, None).unwrap_err();
        assert!((1..=31).contains(&wait), "{wait}");
        assert!(limits.check("b@example.test", network, None).is_ok());
        let owner = "198.51.100.7".parse().unwrap();
        assert!(limits.check("a@example.test", owner, None).is_ok(), "the owner is kept out by a stranger");
    }

    /// M6, D4 of the review: tunnel brokers give away a /48 for free.
    #[test]
    fn many_networks_of_one_owner_do_not_keep_the_accounts_owner_out() {
        let limits = SignInLimits::new();
        let tried = (0..2000).filter(|n| {
            let network = format!("2001:db8:0:{n:x}::1").parse().unwrap();
            limits.check("a@example.test", network, None).is_ok()
        });
        assert!(tried.count() < 250);
        let owner = "198.51.100.7".parse().unwrap();
        assert!(limits.check("a@example.test", owner, Some("a browser of theirs")).is_ok());
    }

    #[test]
    fn addresses_of_one_ipv6_network_count_together() {
        assert_eq!(network_of("2001:db8::1".parse().unwrap()), network_of("2001:db8::2".parse().unwrap()));
        assert_ne!(network_of("2001:db8::1".parse().unwrap()), network_of("2001:db8:0:1::1".parse().unwrap()));
    }
}
