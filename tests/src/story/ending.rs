//! Taking it back, and looking at all of it from outside.
#![expect(clippy::unused_async, reason = "every step of the story has one shape")]

use anyhow::{Context as _, Result};
use besace_agent::{exchange::WithdrawalOutcome, keyring::Passphrase};
use besace_protocol::{
    audit::{PinnedController, Policy},
    consent::GrantState,
    presence::{Advertisement, Epoch, Scope, Till},
    problem::ProblemType,
    time::Day,
    wire::{ARRIVALS_PATH, Arrivals},
};

use super::{PONT_AIR, Story, hold};
use crate::{
    canary::leaks,
    shopper,
    world::{Answer, Device, PASSPHRASE},
};

impl Story {
    pub(super) async fn consent_withdrawn(&mut self) -> Result<String> {
        let grants = self.grants()?;
        self.take_keys()?;
        for grant in [grants.recognition, grants.greeting] {
            let outcome = self.world.exchange.withdraw(grant).await?;
            hold!(outcome == WithdrawalOutcome::Acknowledged, "the retailer did not sign for it");
        }
        self.reload()?;
        let (ever, live) = self.world.lumen.lock().count_grants()?;
        hold!((ever, live) == (2, 0), "{live} of {ever} grants live at the retailer");
        let screen: Answer<Arrivals> =
            self.world.lumen.get(Device::StaffScreen, ARRIVALS_PATH).await?;
        match screen {
            Answer::Given(arrivals) if arrivals.greetings.is_empty() => {}
            other => anyhow::bail!("the staff screen still shows {other:?}"),
        }
        let name = shopper::PROFILE.chosen_name.as_bytes();
        let kept = memchr::memmem::find(&self.world.lumen.files()?, name);
        hold!(kept.is_none(), "the retailer kept the name she chose");
        let ended = self.world.engine().grants()?;
        let ended = ended.iter().filter(|view| view.state == GrantState::Withdrawn).count();
        hold!(ended == 2, "{ended} grants ended on her side");
        Ok("signed for at once: keys deleted, name forgotten, screen empty".into())
    }

    pub(super) async fn nothing_more_emitted(&mut self) -> Result<String> {
        let before = self.ether.overheard_identifiers().len();
        for _ in 0..2 {
            self.next_epoch()?;
            self.air(60).await?;
        }
        let after = self.ether.overheard_identifiers().len();
        hold!(after == before, "{} identifiers after the withdrawal", after - before);
        Ok("the shop's frames go on; her phone says nothing".into())
    }

    pub(super) async fn forged_identifier_refused(&mut self) -> Result<String> {
        let frame = self.world.lumen.emitter_frame().await?;
        let Ok(Advertisement::Shop(frame)) = Advertisement::parse(&frame) else {
            anyhow::bail!("the emitter sends no shop frame")
        };
        let keys = self.stolen.as_ref().context("keys were kept for this")?;
        let epoch = Epoch::of(self.world.clock.now());
        let forged = keys.ephemeral_id(epoch, Some(&frame.value)).context("the day is not over")?;
        match self.world.lumen.sighting(forged.as_bytes()).await? {
            Answer::Refused(problem) if problem.key == ProblemType::Unresolved => {}
            other => anyhow::bail!("the forged identifier got {other:?}"),
        }
        Ok("made from keys that were released for today, and yet nobody's: the keys are gone"
            .into())
    }

    pub(super) async fn late_keys_refused(&mut self) -> Result<String> {
        let late = self.late.take().context("a release was held back")?;
        match self.world.lumen.post(late.path, late.body).await? {
            Answer::Refused(problem) if problem.key == ProblemType::GrantWithdrawn => {}
            other => anyhow::bail!("keys released before the withdrawal got {other:?}"),
        }
        Ok("keys that were under way when she withdrew are refused: grant_withdrawn".into())
    }

    pub(super) async fn auditor_verifies(&mut self) -> Result<String> {
        self.keep_evidence(self.kept()).await?;
        self.keep_receipts()?;
        self.keep_proofs()?;
        let (code, report) = self.audit()?;
        hold!(code == 0, "the auditor says {code}: {report}");
        let held = report["held"].as_array().map_or(0, Vec::len);
        let mut files = Vec::new();
        collect(&self.evidence_folder(), &mut files)?;
        Ok(format!("{} files, {held} assertions hold", files.len()))
    }

    /// Collects what is owed to her, and writes all of it as `evidence`, with its policy, below a folder.
    pub(super) async fn keep_evidence(&self, folder: &std::path::Path) -> Result<()> {
        let domain = self.world.lumen.domain.clone();
        self.world.exchange.collect_mail(&domain).await?;
        let bundle = self.world.exchange.evidence(&domain).await?;
        besace_audit::write_bundle(&bundle, &folder.join("evidence"))?;
        let policy = {
            let retailer = self.world.lumen.lock();
            let log_key = retailer.manifest_document()?.log_key;
            let key = retailer.verifying_key();
            let mut policy = Policy::new(vec![PinnedController {
                domain,
                key,
                log: besace_protocol::log::LogNumber::FIRST,
                log_key,
            }]);
            policy.now = Some(self.world.clock.now());
            policy
        };
        Ok(std::fs::write(folder.join("policy.json"), policy.to_bytes()?)?)
    }

    pub(super) async fn flipped_byte_named(&mut self) -> Result<String> {
        let origin = format!("{}/besace", self.world.lumen.domain);
        let mut openings: Vec<_> = Vec::new();
        collect(&self.evidence_folder(), &mut openings)?;
        openings.retain(|path| {
            let text = path.to_string_lossy();
            text.contains(&origin) && text.contains("/openings/")
        });
        openings.sort();
        let file = openings.last().context("the retailer opened an entry to her")?;
        let number: u64 = file.file_stem().context("a name")?.to_string_lossy().parse()?;
        let good = std::fs::read(file)?;
        let mut bad = good.clone();
        let middle = bad.len() / 2;
        let line = good[..middle].split(|byte| *byte == b'\n').skip(1).count();
        let entry = number * 256 + u64::try_from(line)?;
        bad[middle] ^= 1;
        std::fs::write(file, &bad)?;
        let (code, report) = self.audit()?;
        std::fs::write(file, &good)?;
        hold!(code == 1, "the auditor says {code}");
        let name = file.strip_prefix(self.evidence_folder())?.to_string_lossy().into_owned();
        let findings = report["findings"].as_array().context("a list of findings")?;
        let named = findings.iter().any(|one| one["file"] == name.as_str());
        hold!(named, "the auditor did not name {name}: {report}");
        let entry_named = findings.iter().any(|one| one["entry"] == entry);
        hold!(entry_named, "the auditor did not name entry {entry}: {report}");
        Ok(format!("one bit of {name}: refused, naming the file and entry {entry}"))
    }

    pub(super) async fn wire_holds_no_planted_word(&mut self) -> Result<String> {
        let words = shopper::canaries();
        let words: Vec<&str> = words.iter().map(String::as_str).collect();
        let mut all = 0;
        for house in [&self.world.lumen, &self.world.pont] {
            let bytes = house.tap.bytes();
            all += bytes.len();
            let found = leaks(&bytes, &words);
            hold!(found.is_empty(), "on the wire to {}: {found:?}", house.domain);
            let found = leaks(&house.files()?, &words);
            hold!(found.is_empty(), "in the store of {}: {found:?}", house.domain);
        }
        Ok(format!("{} words, in every spelling we know, searched for in {all} bytes", words.len()))
    }

    pub(super) async fn vault_holds_no_planted_word(&mut self) -> Result<String> {
        let mut words = shopper::canaries();
        words.push(PASSPHRASE.to_owned());
        let words: Vec<&str> = words.iter().map(String::as_str).collect();
        let open = leaks(&self.world.vault_files()?, &words);
        self.world.engine().lock();
        let locked = leaks(&self.world.vault_files()?, &words);
        let passphrase = Passphrase::new(PASSPHRASE.to_owned()).context("a passphrase")?;
        self.world.engine().unlock(&passphrase)?;
        hold!(open.is_empty() && locked.is_empty(), "in the vault's files: {open:?} {locked:?}");
        self.ether.carry(self.phone, Some(PONT_AIR));
        Ok("neither open nor locked do the vault's files hold any of them".into())
    }

    /// Takes, while the grant lives, what an attacker would like to have afterwards: the keys of today,
    /// and a release that arrives too late.
    fn take_keys(&mut self) -> Result<()> {
        let engine = self.world.engine();
        let domain = &self.world.lumen.domain;
        let live = engine.emitting_grants(domain)?;
        let live = live.first().context("no grant with presence lives")?;
        let today = Day::of(self.world.clock.now());
        let scope = Scope::of(&live.grant.terms.scope);
        self.stolen = Some(live.root.day_key(today, &scope).release(Till::Excluded));
        // Today's keys went out yesterday; tomorrow's are due, and are held back here.
        let mut due = engine.due_releases(domain)?;
        hold!(due.len() == 1, "{} releases are due", due.len());
        self.late = due.pop().map(|(_, call)| call);
        Ok(())
    }

    /// A receipt of each consent, beside what the auditor is handed.
    fn keep_receipts(&self) -> Result<()> {
        let folder = self.kept().join("receipts");
        std::fs::create_dir_all(&folder)?;
        let engine = self.world.engine();
        for view in engine.grants()? {
            let id = view.grant.id;
            std::fs::write(folder.join(format!("{id}.json")), engine.receipt(id)?)?;
        }
        Ok(())
    }

    /// The records and proofs that come with what the shop publishes.
    fn keep_proofs(&self) -> Result<()> {
        let folder = self.kept().join("proofs");
        std::fs::create_dir_all(&folder)?;
        let retailer = self.world.lumen.lock();
        let requests = retailer.open_requests(self.world.clock.now())?.requests;
        let published = [retailer.manifest()?].into_iter().chain(requests);
        for (n, attested) in published.enumerate() {
            std::fs::write(folder.join(format!("{n}.tlog-proof")), attested.proof)?;
            std::fs::write(folder.join(format!("{n}.record")), attested.record.0)?;
        }
        Ok(())
    }

    /// Where evidence lies: with the rest of the world, unless it is to stay.
    pub(super) fn kept(&self) -> &std::path::Path {
        self.evidence.as_deref().unwrap_or_else(|| self.world.folder.path())
    }

    fn evidence_folder(&self) -> std::path::PathBuf {
        self.kept().join("evidence")
    }

    fn policy_file(&self) -> std::path::PathBuf {
        self.kept().join("policy.json")
    }

    /// Runs the auditor's program on the files: its exit code and its report.
    fn audit(&self) -> Result<(u8, serde_json::Value)> {
        let (mut out, mut err) = (Vec::new(), Vec::new());
        let arguments = [
            "besace-audit".into(),
            self.evidence_folder().into_os_string(),
            "--policy".into(),
            self.policy_file().into_os_string(),
            "--json".into(),
        ];
        let arguments: [std::ffi::OsString; 5] = arguments;
        let now = self.world.clock.now();
        let exit = besace_audit::run(arguments, now, &mut out, &mut err);
        let report = serde_json::from_slice(&out)
            .with_context(|| String::from_utf8_lossy(&err).into_owned())?;
        Ok((exit.code(), report))
    }
}

fn collect(folder: &std::path::Path, files: &mut Vec<std::path::PathBuf>) -> Result<()> {
    for entry in std::fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() {
            collect(&path, files)?;
        } else {
            files.push(path);
        }
    }
    Ok(())
}
