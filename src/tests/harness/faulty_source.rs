//! A real source with an injected fault: what a disk or an engine can do at any record.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use waybill::model::name::TableName;
use waybill::server::rows::{
    Catalog, CursorId, KeySetId, NewKeySet, OrderedScan, Round, RowSink, Scan, Step, Stopped, Value,
};
use waybill::server::source::{
    ChoiceQuery, Choices, Error, Extent, InterruptHandle, Kind, Predicate, Result, SelectRows, Snapshot, Source,
    SourceIdentity,
};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    Panic,
    /// The engine reports damage.
    Error,
    /// The table ends early without an error, as after an unnoticed truncation.
    EarlyEnd,
    /// The read hangs until it is interrupted.
    Hang,
}

/// Injects its fault at the n-th record of each run; 0 means never.
pub struct FaultySource {
    real: Arc<dyn Source>,
    fault: Fault,
    at: Arc<AtomicU64>,
}

impl FaultySource {
    pub fn wrap(fault: Fault, at: Arc<AtomicU64>) -> impl FnOnce(Arc<dyn Source>) -> Arc<dyn Source> {
        move |real| Arc::new(Self { real, fault, at })
    }
}

impl Source for FaultySource {
    fn engine(&self) -> &'static str {
        self.real.engine()
    }

    fn engine_version(&self) -> String {
        self.real.engine_version()
    }

    fn identity(&self) -> Result<SourceIdentity> {
        self.real.identity()
    }

    fn begin_snapshot(&self, extent: Extent, begun: &dyn Fn(InterruptHandle)) -> Result<Box<dyn Snapshot>> {
        let at = self.at.load(Ordering::SeqCst);
        Ok(Box::new(FaultySnapshot { real: self.real.begin_snapshot(extent, begun)?, fault: self.fault, at, seen: 0 }))
    }

    fn find_unique(
        &self,
        table: &TableName,
        conditions: &[Predicate<'_>],
        columns: &[&str],
    ) -> Result<Option<Vec<Option<String>>>> {
        self.real.find_unique(table, conditions, columns)
    }

    fn exists(&self, table: &TableName, conditions: &[Predicate<'_>]) -> Result<bool> {
        self.real.exists(table, conditions)
    }

    fn list_choices(&self, query: &ChoiceQuery<'_>) -> Result<Choices> {
        self.real.list_choices(query)
    }
}

struct FaultySnapshot {
    real: Box<dyn Snapshot>,
    fault: Fault,
    at: u64,
    seen: u64,
}

impl SelectRows for FaultySnapshot {
    fn create_key_sets(&mut self, new: &[NewKeySet]) -> Result<()> {
        self.real.create_key_sets(new)
    }

    fn run_step(&mut self, step: &Step, round: Round) -> Result<u64> {
        self.real.run_step(step, round)
    }

    fn clear_key_set(&mut self, set: KeySetId) -> Result<()> {
        self.real.clear_key_set(set)
    }
}

impl Snapshot for FaultySnapshot {
    fn isolation(&self) -> &'static str {
        self.real.isolation()
    }

    fn blocks_writers(&self) -> bool {
        self.real.blocks_writers()
    }

    fn catalog(&mut self) -> Result<Catalog> {
        self.real.catalog()
    }

    fn estimate_step(&mut self, step: &Step) -> Result<u64> {
        self.real.estimate_step(step)
    }

    fn find_first(&mut self, among: KeySetId, of: KeySetId, into: KeySetId) -> Result<Option<u32>> {
        self.real.find_first(among, of, into)
    }

    fn open_cursor(&mut self, scan: &OrderedScan) -> Result<CursorId> {
        self.real.open_cursor(scan)
    }

    fn fetch(&mut self, cursor: CursorId, rows: u32, sink: &mut dyn RowSink) -> Result<u64> {
        let mut counted = CountingSink { sink, seen: &mut self.seen, at: self.at, fault: self.fault };
        let read = self.real.fetch(cursor, rows, &mut counted);
        self.as_the_fault_ends(read, 0)
    }

    fn count(&mut self, scan: &Scan) -> Result<u64> {
        self.real.count(scan)
    }

    fn sample(&mut self, selection: &Scan, sink: &mut dyn RowSink) -> Result<()> {
        self.real.sample(selection, sink)
    }

    fn read_table(&mut self, selection: &Scan, sink: &mut dyn RowSink) -> Result<()> {
        let (fault, at) = (self.fault, self.at);
        let mut counted = CountingSink { sink, seen: &mut self.seen, at, fault };
        let read = self.real.read_table(selection, &mut counted);
        self.as_the_fault_ends(read, ())
    }
}

impl FaultySnapshot {
    /// A read that the fault has stopped ends as the fault does: early with this value, or in an error.
    fn as_the_fault_ends<T>(&self, read: Result<T>, early: T) -> Result<T> {
        match read {
            Err(Error { kind: Kind::Stopped, .. }) if self.at > 0 && self.seen >= self.at => match self.fault {
                Fault::Error => Err(Error::damaged()),
                Fault::EarlyEnd => Ok(early),
                Fault::Panic | Fault::Hang => Err(Error::sink_stopped()),
            },
            other => other,
        }
    }
}

struct CountingSink<'a> {
    sink: &'a mut dyn RowSink,
    seen: &'a mut u64,
    at: u64,
    fault: Fault,
}

impl RowSink for CountingSink<'_> {
    fn push_value(&mut self, value: Value<'_>) -> std::result::Result<(), Stopped> {
        self.sink.push_value(value)
    }

    fn end_row(&mut self) -> std::result::Result<(), Stopped> {
        *self.seen += 1;
        self.sink.end_row()?;
        if self.at == 0 || *self.seen < self.at {
            return Ok(());
        }
        match self.fault {
            Fault::Panic => panic!("injected"),
            Fault::Error | Fault::EarlyEnd => Err(Stopped),
            Fault::Hang => {
                // 5 ms a record: only an interrupt or a stop ends the read in time.
                #[expect(clippy::disallowed_methods, reason = "plays a disk that hangs")]
                std::thread::sleep(std::time::Duration::from_millis(5));
                Ok(())
            }
        }
    }
}
