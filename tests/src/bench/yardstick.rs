//! What every figure is held against, measured in the same run.

use std::{
    fs::{self, File},
    hint::black_box,
    io::Write as _,
    ops::AddAssign,
    path::Path,
    time::Instant,
};

use anyhow::{Context as _, Result};
use besace_protocol::crypto::SigningKey;
use rand::{Rng as _, RngCore as _, SeedableRng as _, rngs::StdRng};
use rustix::time::{ClockId, clock_gettime};
use serde::{Deserialize, Serialize};

use super::figures::Sample;

/// CPU seconds that this thread has used: other programs on the machine do not count.
pub(super) fn cpu_seconds() -> f64 {
    cpu_seconds_of(ClockId::ThreadCPUTime)
}

fn cpu_seconds_of(clock: ClockId) -> f64 {
    let spent = clock_gettime(clock);
    // Below 2^52 seconds and nanoseconds: exact.
    let [seconds, nanoseconds] = [spent.tv_sec, spent.tv_nsec].map(number);
    seconds + nanoseconds / 1e9
}

/// CPU seconds of `work`, several times.
pub(super) fn cpu_of<T>(runs: usize, mut work: impl FnMut() -> T) -> Sample {
    let spent = || {
        let before = cpu_seconds();
        black_box(work());
        cpu_seconds() - before
    };
    Sample::of(std::iter::repeat_with(spent).take(runs.max(1)).collect())
}

/// Seconds on the wall of `work`, several times: for what waits for a disk.
pub(super) fn wall_of<T>(runs: usize, mut work: impl FnMut() -> Result<T>) -> Result<Sample> {
    let mut values = Vec::new();
    for _ in 0..runs.max(1) {
        let before = Instant::now();
        black_box(work()?);
        values.push(before.elapsed().as_secs_f64());
    }
    Ok(Sample::of(values))
}

/// A count as a number to divide by.
pub(super) fn number(count: impl TryInto<u64>) -> f64 {
    let count = count.try_into().unwrap_or(u64::MAX);
    // In halves, so that no cast is needed; exact up to 2^53.
    let [high, low] = [count >> 32, count & 0xffff_ffff].map(u32::try_from);
    f64::from(high.unwrap_or(u32::MAX)) * 4_294_967_296.0 + f64::from(low.unwrap_or(u32::MAX))
}

/// Bytes of memory that this process has now, and the most it had since [`forget_peak`].
pub(super) fn memory() -> Result<(u64, u64)> {
    let status = fs::read_to_string("/proc/self/status").context("no /proc/self/status")?;
    let line = |name: &str| {
        let line = status.lines().find_map(|line| line.strip_prefix(name))?;
        line.trim().strip_suffix(" kB")?.trim().parse::<u64>().ok()
    };
    let (now, peak) = line("VmRSS:").zip(line("VmHWM:")).context("no size of this process")?;
    Ok((now * 1024, peak * 1024))
}

/// Lets the peak of [`memory`] begin again from what is used now.
pub(super) fn forget_peak() -> Result<()> {
    fs::write("/proc/self/clear_refs", "5").context("peak of memory cannot be reset")
}

/// CPU nanoseconds of one read at a place that nobody foresees, in a table of `slots` four-byte slots.
pub(super) fn random_read_nanoseconds(slots: usize) -> Sample {
    let mut rng = StdRng::seed_from_u64(1);
    let table: Vec<u32> = (0..slots).map(|_| rng.next_u32()).collect();
    let reads = 200_000;
    let sample = cpu_of(5, || {
        let mut place = rng.gen_range(0..slots);
        for read_before in 0..reads {
            // What is read decides where the next read is: none can begin before the last has ended.
            let read = u64::from(table[place]) << 32 | u64::from(table[place]);
            // With the number of the read, or the walk would soon be a short circle.
            let mixed =
                (read ^ read_before).wrapping_add(place as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15);
            place = usize::try_from((u128::from(mixed) * slots as u128) >> 64).unwrap_or(0);
        }
        place
    });
    sample.times(1e9 / number(reads))
}

/// CPU nanoseconds of one verification of an Ed25519 signature.
pub(super) fn ed25519_verify_nanoseconds() -> Sample {
    let mut rng = StdRng::seed_from_u64(2);
    let key = SigningKey::generate(&mut rng);
    let public = key.verifying_key();
    let message = b"a yardstick of one line";
    let signature = key.sign(message);
    let times = 500;
    let sample = cpu_of(7, || {
        for _ in 0..times {
            black_box(public.verify(black_box(message), &signature).is_ok());
        }
    });
    sample.times(1e9 / number(times))
}

/// Wall seconds of one append of `bytes` bytes and `fdatasync`, at the end of a file in `folder`.
pub(super) fn append_and_sync_seconds(folder: &Path, bytes: usize, times: usize) -> Result<Sample> {
    let mut file = File::create(folder.join("yardstick-append"))?;
    let record = vec![7; bytes];
    wall_of(5, || {
        for _ in 0..times {
            file.write_all(&record)?;
            file.sync_data()?;
        }
        Ok(())
    })
    .map(|sample| sample.times(1.0 / number(times)))
}

/// Wall seconds of one commit of one row of `bytes` bytes with SQLite as it comes, WAL and `FULL`.
pub(super) fn plain_sqlite_seconds(folder: &Path, bytes: usize, times: usize) -> Result<Sample> {
    let connection = plain_sqlite(&folder.join("yardstick-plain.db"))?;
    connection.execute_batch("CREATE TABLE rows (id INTEGER PRIMARY KEY, bytes BLOB NOT NULL)")?;
    let record = vec![7; bytes];
    wall_of(5, || {
        for _ in 0..times {
            connection.execute("INSERT INTO rows (bytes) VALUES (?1)", [&record])?;
        }
        Ok(())
    })
    .map(|sample| sample.times(1.0 / number(times)))
}

/// A file of the same library as the vault and the retailer's store, without a key.
pub(super) fn plain_sqlite(path: &Path) -> Result<rusqlite::Connection> {
    let connection = rusqlite::Connection::open(path)?;
    connection.execute_batch("PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;")?;
    Ok(connection)
}

/// What some work took: on the wall, where disks are waited for, and of the processor.
#[derive(Clone, Copy, Debug, Default, Serialize, Deserialize)]
pub(super) struct Both {
    pub(super) wall: f64,
    pub(super) cpu: f64,
}

impl AddAssign for Both {
    fn add_assign(&mut self, more: Self) {
        self.wall += more.wall;
        self.cpu += more.cpu;
    }
}

/// Runs from where it was started; of the processor it shows what all threads of this process use.
pub(super) struct Watch {
    wall: Instant,
    cpu: f64,
}

impl Watch {
    pub(super) fn start() -> Self {
        Self { wall: Instant::now(), cpu: cpu_seconds_of(ClockId::ProcessCPUTime) }
    }

    pub(super) fn read(&self) -> Both {
        let cpu = cpu_seconds_of(ClockId::ProcessCPUTime) - self.cpu;
        Both { wall: self.wall.elapsed().as_secs_f64(), cpu }
    }
}

/// Seconds of work that can be done once only.
pub(super) fn both(work: impl FnOnce() -> Result<()>) -> Result<Both> {
    let watch = Watch::start();
    work()?;
    Ok(watch.read())
}
