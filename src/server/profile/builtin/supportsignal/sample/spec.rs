//! Size and seed of a sample, and how its records are divided among companies.

/// Size and seed of a sample.
#[derive(Clone, Debug)]
pub struct SampleSpec {
    pub incidents: u64,
    pub participants: u64,
    /// `None`: one for every twelve participants, at least 3, at most 500.
    pub companies: Option<u64>,
    /// How many of a hundred participants, and with them of incidents, belong to the first company. `None`: as many as to
    /// every other one.
    pub largest_share: Option<u64>,
    pub seed: u64,
}

impl Default for SampleSpec {
    fn default() -> Self {
        Self { incidents: 500, participants: 100, companies: None, largest_share: None, seed: 1 }
    }
}

impl SampleSpec {
    pub fn company_count(&self) -> u64 {
        self.companies.unwrap_or((self.participants / 12).clamp(3, 500)).max(1)
    }

    /// The company of the n-th participant.
    pub fn company_of(&self, n: u64) -> u64 {
        let (companies, hundreds, rest) = (self.company_count(), n / 100, n % 100);
        match self.largest_share.map(|share| share.min(100)) {
            None => n % companies,
            Some(share) if rest < share || companies == 1 => 0,
            Some(share) => 1 + (hundreds * (100 - share) + rest - share) % (companies - 1),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_largest_company_has_its_share_and_the_others_the_same() {
        let spec = SampleSpec { companies: Some(5), largest_share: Some(60), ..SampleSpec::default() };
        let mut counts = [0; 5];
        (0..1000).for_each(|n| counts[usize::try_from(spec.company_of(n)).unwrap()] += 1);
        assert_eq!(counts, [600, 100, 100, 100, 100]);
        let only = SampleSpec { companies: Some(1), largest_share: Some(60), ..SampleSpec::default() };
        assert!((0..1000).all(|n| only.company_of(n) == 0));
    }
}
