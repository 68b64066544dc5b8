//! How often somebody may try to sign in: per account and per network, and never locked out for good.

use std::net::{IpAddr, Ipv6Addr};
use std::num::NonZeroU32;
use std::time::Duration;

use governor::clock::{Clock, DefaultClock};
use governor::{DefaultKeyedRateLimiter, Quota, RateLimiter};

pub struct SignInLimits {
    /// An account from one network: strict, and nobody else is kept out by it.
    guesses: DefaultKeyedRateLimiter<(String, IpAddr)>,
    /// An account from everywhere: loose enough that a stranger cannot keep its owner out.
    accounts: DefaultKeyedRateLimiter<String>,
    networks: DefaultKeyedRateLimiter<IpAddr>,
    /// Codes of an account's second factor, of six digits: after ten wrong ones, 288 a day, of which one in some 300,000
    /// is right. Recovery codes are not counted, so that whoever guesses does not keep the owner out.
    codes: DefaultKeyedRateLimiter<String>,
    /// Questions of an account that may do nothing.
    idle: DefaultKeyedRateLimiter<String>,
}

impl SignInLimits {
    pub fn new() -> Self {
        Self {
            guesses: RateLimiter::keyed(quota(10, Duration::from_secs(30))),
            accounts: RateLimiter::keyed(quota(200, Duration::from_secs(1))),
            networks: RateLimiter::keyed(quota(60, Duration::from_secs(2))),
            codes: RateLimiter::keyed(quota(10, Duration::from_mins(5))),
            idle: RateLimiter::keyed(quota(60, Duration::from_secs(1))),
        }
    }

    /// Counts an attempt; `Err` holds the seconds until the next one is free.
    pub fn check(&self, account: &str, network: IpAddr) -> Result<(), u64> {
        let (network, account) = (network_of(network), account.to_lowercase());
        self.networks.check_key(&network).map_err(wait)?;
        self.guesses.check_key(&(account.clone(), network)).map_err(wait)?;
        self.accounts.check_key(&account).map_err(wait)
    }

    /// Counts a code of a second factor; `Err` as above.
    pub fn check_code(&self, account_id: &str) -> Result<(), u64> {
        self.codes.check_key(&account_id.to_owned()).map_err(wait)
    }

    /// Counts a question of an account that may do nothing; `Err` as above.
    pub fn check_idle(&self, account_id: &str) -> Result<(), u64> {
        self.idle.check_key(&account_id.to_owned()).map_err(wait)
    }

    pub fn forget_the_calm(&self) {
        self.codes.retain_recent();
        self.idle.retain_recent();
        self.guesses.retain_recent();
        self.accounts.retain_recent();
        self.networks.retain_recent();
    }
}

/// In seconds, until the next attempt.
#[expect(clippy::needless_pass_by_value, reason = "map_err gives it away")]
fn wait(not_until: governor::NotUntil<<DefaultClock as Clock>::Instant>) -> u64 {
    not_until.wait_time_from(DefaultClock::default().now()).as_secs() + 1
}

fn quota(burst: u32, refill: Duration) -> Quota {
    Quota::with_period(refill)
        .unwrap_or_else(|| Quota::per_minute(NonZeroU32::MIN))
        .allow_burst(NonZeroU32::new(burst).unwrap_or(NonZeroU32::MIN))
}

/// One household has a whole /64 of IPv6 addresses.
pub fn network_of(address: IpAddr) -> IpAddr {
    match address {
        IpAddr::V4(_) => address,
        IpAddr::V6(v6) => Ipv6Addr::from(u128::from(v6) & (u128::MAX << 64)).into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_eleventh_attempt_on_an_account_waits_and_other_accounts_do_not() {
        let limits = SignInLimits::new();
        let network = "192.0.2.1".parse().unwrap();
        for _ in 0..10 {
            assert!(limits.check("a@example.test", network).is_ok());
        }
        let wait = limits.check("A@example.test", network).unwrap_err();
        assert!((1..=31).contains(&wait), "{wait}");
        assert!(limits.check("b@example.test", network).is_ok());
        let owner = "198.51.100.7".parse().unwrap();
        assert!(limits.check("a@example.test", owner).is_ok(), "the owner is kept out by a stranger");
    }

    #[test]
    fn addresses_of_one_ipv6_network_count_together() {
        assert_eq!(network_of("2001:db8::1".parse().unwrap()), network_of("2001:db8::2".parse().unwrap()));
        assert_ne!(network_of("2001:db8::1".parse().unwrap()), network_of("2001:db8:0:1::1".parse().unwrap()));
    }
}
