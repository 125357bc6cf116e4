//! The command line: text for people, `--json` for programs.
//!
//! A failure is two lines: what failed, and what to do. Exit status 1: refused or not found; 2: could
//! not; 0: done.

mod answer;
mod backup;
mod card;
mod clock;
mod consent;
mod device;
mod doctor;
mod exchange;
mod export;
mod feedback;
mod health;
mod import;
mod inbox;
mod init;
mod key;
mod kit;
mod log;
mod mandate;
mod offers;
mod output;
mod passphrase;
mod place;
mod product;
mod profile;
mod rekey;
mod restore;
mod retailer;
mod rollback;
mod rule;
pub mod serve;
mod till;
mod till_receipt;
mod voucher;
mod wish;

use std::{
    ffi::OsString,
    path::{Path, PathBuf},
    process::ExitCode,
    sync::Arc,
};

use besace_protocol::{log::WitnessPolicy, time::Timestamp};
use clap::{Parser, Subcommand};

pub use self::output::Console;
use self::output::{Failure, Output};
use crate::{
    clock::{Clock, FixedClock},
    config::{VaultFolder, Witnesses},
    engine::{Engine, EngineState, StartEngineError, UnlockError},
    entropy::Entropy,
    file,
    http::ClaimCode,
    keyring::{ReadKeyringError, Secret, UnlockKeyringError},
    memory,
    net::DevRetailers,
    vault::OpenVaultError,
};

/// Your data, on your side: profile, wishes, loyalty cards and places in a vault that only you open.
#[derive(Debug, Parser)]
#[command(name = "besace", version, disable_help_subcommand = true)]
struct Arguments {
    /// Folder of the vault [default: besace in your data folder].
    #[arg(long, global = true, value_name = "DIR", env = "BESACE_VAULT")]
    vault: Option<PathBuf>,
    /// Let the vault be on a network share, where it can break at any time.
    #[arg(long, global = true, env = "BESACE_VAULT_ON_NETWORK_SHARE")]
    vault_on_network_share: bool,
    /// File with what the outbox is sealed with, on a disk that a power cut empties [default: beside the outbox].
    #[arg(long, global = true, value_name = "FILE", env = "BESACE_OUTBOX_KEY")]
    outbox_key: Option<PathBuf>,
    /// File that keeps the mark of the vault, best on another disk: a vault that goes back in time is
    /// noticed by it. `none` keeps none [default: besace/VAULT.mark in your state folder].
    #[arg(long, global = true, value_name = "FILE", env = "BESACE_MARK")]
    mark: Option<PathBuf>,
    /// File that says which witnesses have to cosign what shops publish, and how many of them, as C2SP tlog-policy
    /// has it [default: nobody has to].
    #[arg(long, global = true, value_name = "FILE", env = "BESACE_WITNESSES")]
    witnesses: Option<PathBuf>,
    /// Answer in JSON.
    #[arg(long, global = true)]
    json: bool,
    /// File whose first line is the passphrase; else `BESACE_PASSPHRASE`, else you are asked.
    #[arg(long, global = true, value_name = "FILE")]
    passphrase_file: Option<PathBuf>,
    /// Key file of a device, instead of the passphrase.
    #[arg(long, global = true, value_name = "FILE", env = "BESACE_KEY_FILE")]
    key_file: Option<PathBuf>,
    /// Seconds since 1970 that the clock shows all along; for tests.
    #[arg(long, global = true, value_name = "SECONDS", hide = true)]
    time: Option<u64>,
    /// Let a crash leave an image of the memory, keys included; for whoever looks for a fault.
    #[arg(long, global = true, hide = true)]
    allow_core_dumps: bool,
    /// Leads a retailer's domain to a loopback address; for demos and tests.
    #[arg(long, global = true, value_name = "DOMAIN=http://127.0.0.1:PORT", hide = true)]
    dev_retailer: Vec<String>,
    #[command(subcommand)]
    command: AnyCommand,
}

#[derive(Debug, Subcommand)]
enum AnyCommand {
    #[command(flatten)]
    OfTheVault(Command),
    /// Ask the pages that are being served whether they are well.
    Health(health::Arguments),
    /// Act for somebody who gave you a mandate; needs no vault.
    #[command(subcommand)]
    Delegate(mandate::DelegateCommand),
    /// What arrived while your vault was locked.
    Inbox(inbox::Arguments),
    /// What leaves while your vault is locked.
    Outbox(inbox::OutboxArguments),
}

/// What is done with the vault in hand.
#[derive(Debug, Subcommand)]
enum Command {
    /// Make a vault.
    Init(init::Arguments),
    /// What opens your vault: passphrase, recovery kit, key files of devices.
    #[command(subcommand)]
    Key(key::Command),
    /// The spare of your key, on paper.
    #[command(subcommand)]
    Kit(kit::Command),
    /// A new root, when somebody else may have an old key of your vault: nothing old opens it any more.
    Rekey(rekey::Arguments),
    /// Serve your pages to your own browser.
    Serve(serve::ServeArguments),
    /// What you say about yourself.
    #[command(subcommand)]
    Profile(profile::Command),
    /// Loyalty cards.
    #[command(subcommand)]
    Card(card::Command),
    /// What you wish for.
    #[command(subcommand)]
    Wish(wish::Command),
    /// Shops you deal with.
    #[command(subcommand)]
    Retailer(retailer::Command),
    /// What you are asked, what you gave, and taking it back.
    #[command(subcommand)]
    Consent(consent::Command),
    /// What the shops that you allowed it ask, and your answers.
    #[command(subcommand)]
    Answer(answer::Command),
    /// What you say to the shops that you allowed it hear.
    #[command(subcommand)]
    Feedback(feedback::Command),
    /// Your till receipts, and which of them their shop may know as yours.
    #[command(subcommand)]
    Receipt(till_receipt::Command),
    /// What you decide once for many requests.
    #[command(subcommand)]
    Rule(rule::Command),
    /// Who may refuse, narrow and withdraw for you.
    #[command(subcommand)]
    Mandate(mandate::Command),
    /// Which offers answer you, and why; found here, and told to nobody.
    Offers(offers::Arguments),
    /// Vouchers: redeemed without a name.
    #[command(subcommand)]
    Voucher(voucher::Command),
    /// What a till scans to know you, and what you answer it.
    #[command(subcommand)]
    Till(till::Command),
    /// What is known of the article in your hand; found here, and told to nobody.
    Product(product::Arguments),
    /// Where you were.
    #[command(subcommand)]
    Place(place::Command),
    /// Telephones that report where you are.
    #[command(subcommand)]
    Device(device::Command),
    /// Imports, and how to take them back.
    #[command(subcommand)]
    Import(import::Command),
    /// Whether your vault went back in time, and what you decide if it did.
    Rollback(rollback::Arguments),
    /// Your consent logs.
    #[command(subcommand)]
    Log(log::Command),
    /// Write everything to one encrypted file, which the program `age` opens.
    Export(export::Arguments),
    /// The clock of this machine, when it went back or far ahead.
    #[command(subcommand)]
    Clock(clock::Command),
    /// What is wrong with your vault or the machine under it, and what to do.
    Doctor(doctor::Arguments),
    /// Back up everything, every day, to another disk or server.
    #[command(subcommand)]
    Backup(backup::Command),
    /// Make a vault of a backup.
    Restore(restore::Arguments),
}

/// As `Arguments::mark` says that there is none.
const NO_MARK: &str = "none";

/// As `Arguments::allow_core_dumps` is spelled.
const ALLOW_CORE_DUMPS: &str = "--allow-core-dumps";

/// Runs the program on the console of this process.
pub fn run(
    arguments: impl IntoIterator<Item = OsString>,
    clock: Arc<dyn Clock>,
    entropy: Arc<dyn Entropy>,
) -> ExitCode {
    let (mut out, mut err) = (std::io::stdout(), std::io::stderr());
    let console = Console { out: &mut out, err: &mut err };
    let arguments: Vec<OsString> = arguments.into_iter().collect();
    // Before anything is read, and so before it is known whether the arguments are right.
    if !arguments.iter().any(|argument| argument == ALLOW_CORE_DUMPS)
        && let Err(error) = memory::keep_to_itself()
    {
        tracing::warn!(%error, "a crash of this program may leave an image of its memory");
    }
    ExitCode::from(run_on(arguments, clock, entropy, console))
}

/// Runs the program on another console; gives the exit status.
pub fn run_on(
    arguments: impl IntoIterator<Item = OsString>,
    clock: Arc<dyn Clock>,
    entropy: Arc<dyn Entropy>,
    console: Console<'_>,
) -> u8 {
    let arguments = match Arguments::try_parse_from(arguments) {
        Ok(arguments) => arguments,
        Err(error) => return Output::new(console, false).usage(&error),
    };
    let mut output = Output::new(console, arguments.json);
    let clock = match arguments.time {
        Some(seconds) => Arc::new(FixedClock::new(Timestamp::from_unix_seconds(seconds))),
        None => clock,
    };
    match dispatch(arguments, clock, entropy, &mut output) {
        Ok(()) => 0,
        Err(failure) => output.fail(&failure),
    }
}

/// What every command is given.
struct Session<'a, 'b> {
    engine: Engine,
    folder: VaultFolder,
    passphrase: passphrase::Source,
    dev_retailers: DevRetailers,
    output: &'a mut Output<'b>,
}

fn dispatch(
    arguments: Arguments,
    clock: Arc<dyn Clock>,
    entropy: Arc<dyn Entropy>,
    output: &mut Output<'_>,
) -> Result<(), Failure> {
    let command = match arguments.command {
        AnyCommand::OfTheVault(command) => command,
        AnyCommand::Health(arguments) => return health::run(&arguments, output),
        AnyCommand::Delegate(command) => {
            return mandate::run_delegate(command, &*clock, entropy, output);
        }
        AnyCommand::Inbox(command) => {
            return inbox::run(&folder(arguments.vault)?, &command, output);
        }
        AnyCommand::Outbox(command) => {
            let folder = folder(arguments.vault)?.with_outbox_key(arguments.outbox_key);
            return inbox::run_outbox(&folder, &command, output);
        }
    };
    let folder = folder(arguments.vault)?
        .danger_on_a_share(arguments.vault_on_network_share)
        .with_outbox_key(arguments.outbox_key)
        .with_witnesses(match arguments.witnesses.as_deref().map(witnesses) {
            None => Witnesses::Nobody,
            Some(Ok(policy)) => Witnesses::Named(policy),
            Some(Err(failure)) if asks_retailers(&command) => return Err(failure),
            // What she keeps is hers, and what she takes back waits for nobody: nothing published counts meanwhile.
            Some(Err(_)) => Witnesses::Unknown,
        });
    // A command that only reads makes no folder.
    if !folder.slots().exists() && !folder.database().exists() && !needs_no_vault(&command) {
        return Err(no_vault(&folder));
    }
    let folder = with_mark(folder, arguments.mark);
    let passphrase = passphrase::Source::new(arguments.passphrase_file, arguments.key_file);
    if let Command::Doctor(arguments) = &command {
        return doctor::run(arguments, &folder, (clock, entropy), &passphrase, output);
    }
    let engine =
        Engine::start(folder.clone(), clock, entropy).map_err(|error| start_failure(&error))?;
    let mut dev_retailers = DevRetailers::default();
    for one in &arguments.dev_retailer {
        dev_retailers.add(one).map_err(|error| {
            Failure::refused(&error, "write it as shop.example=http://127.0.0.1:8080")
        })?;
    }
    let mut session = Session { engine, folder, passphrase, dev_retailers, output };
    match command {
        Command::Init(arguments) => init::run(&mut session, &arguments),
        Command::Key(command) => key::run(&mut session, &command),
        Command::Kit(command) => kit::run(&mut session, &command),
        Command::Rekey(arguments) => rekey::run(&mut session, &arguments),
        Command::Serve(arguments) => run_serve(&mut session, arguments),
        Command::Profile(command) => profile::run(&mut session, command),
        Command::Card(command) => card::run(&mut session, command),
        Command::Wish(command) => wish::run(&mut session, command),
        Command::Retailer(command) => retailer::run(&mut session, command),
        Command::Consent(command) => consent::run(&mut session, &command),
        Command::Answer(command) => answer::run(&mut session, &command),
        Command::Feedback(command) => feedback::run(&mut session, command),
        Command::Receipt(command) => till_receipt::run(&mut session, command),
        Command::Rule(command) => rule::run(&mut session, command),
        Command::Mandate(command) => mandate::run(&mut session, command),
        Command::Offers(arguments) => offers::run(&mut session, &arguments),
        Command::Voucher(command) => voucher::run(&mut session, command),
        Command::Till(command) => till::run(&mut session, &command),
        Command::Product(arguments) => product::run(&mut session, arguments),
        Command::Place(command) => place::run(&mut session, command),
        Command::Device(command) => device::run(&mut session, command),
        Command::Import(command) => import::run(&mut session, &command),
        Command::Rollback(arguments) => rollback::run(&mut session, &arguments),
        Command::Log(command) => log::run(&mut session, command),
        Command::Export(arguments) => export::run(&mut session, &arguments),
        Command::Clock(command) => clock::run(&mut session, &command),
        // It takes no session: it looks before the folder is taken.
        Command::Doctor(_) => Ok(()),
        Command::Backup(command) => backup::run(&mut session, command),
        Command::Restore(arguments) => restore::run(&mut session, &arguments),
    }
}

/// Whether it takes what retailers publish.
const fn asks_retailers(command: &Command) -> bool {
    matches!(command, Command::Serve(_) | Command::Retailer(_) | Command::Voucher(_))
}

const fn needs_no_vault(command: &Command) -> bool {
    matches!(command, Command::Init(_) | Command::Serve(_) | Command::Restore(_))
}

fn run_serve(
    session: &mut Session<'_, '_>,
    arguments: serve::ServeArguments,
) -> Result<(), Failure> {
    let dev = session.dev_retailers.clone();
    let output = &mut *session.output;
    let mut announced = Ok(());
    serve::serve(&session.engine, dev, arguments, |address, code| {
        let pages = format!("http://{address}/");
        let text = format!("Your pages are at {pages} until you press Ctrl-C.");
        let Some(code) = code.map(ClaimCode::shown) else {
            announced = output.line(&serde_json::json!({"address": pages}), &text);
            return;
        };
        let text = format!(
            "{text}\nThere is no vault here yet: the first page asks for this code, once.\n\n    {code}\n"
        );
        announced = output.line(&serde_json::json!({"address": pages, "code": code}), &text);
    })
    .map_err(|error| Failure::could_not(&*error, "choose another --listen address, or --help"))?;
    announced
}

fn folder(given: Option<PathBuf>) -> Result<VaultFolder, Failure> {
    let home = |name| std::env::var_os(name).map(PathBuf::from);
    given
        .map(VaultFolder::new)
        .or_else(|| VaultFolder::standard(home("XDG_DATA_HOME"), home("HOME")))
        .ok_or_else(|| {
            Failure::refused("it is not known where your vault is", "say it with --vault DIR")
        })
}

/// The policy of witnesses in a file.
fn witnesses(file: &Path) -> Result<WitnessPolicy, Failure> {
    let bytes = std::fs::read(file)
        .map_err(|error| Failure::could_not(&error, "name a file that can be read: --witnesses"))?;
    WitnessPolicy::parse(&bytes)
        .map_err(|error| Failure::refused(error, "write it as C2SP tlog-policy: --witnesses"))
}

/// The folder with the place of its mark: the one that was named, or the usual one.
fn with_mark(folder: VaultFolder, named: Option<PathBuf>) -> VaultFolder {
    if let Some(named) = named {
        return folder.with_mark(Some(named).filter(|named| named.as_os_str() != NO_MARK));
    }
    let home = |name| std::env::var_os(name).map(PathBuf::from);
    let marks = VaultFolder::standard_marks(home("XDG_STATE_HOME"), home("HOME"));
    // An account without a home it may write to has vaults all the same.
    folder.with_marks_in(marks.filter(|marks| file::private_folder(marks).is_ok()))
}

fn no_vault(folder: &VaultFolder) -> Failure {
    Failure::refused(
        format!("there is no vault in {}", folder.path().display()),
        "make one with `besace init`, or say with --vault where yours is",
    )
}

impl Session<'_, '_> {
    /// The engine, unlocked.
    fn unlocked(&mut self) -> Result<&Engine, Failure> {
        if self.engine.state() == EngineState::Open {
            return Ok(&self.engine);
        }
        if let Some(key) = self.passphrase.device_key()? {
            if let Err(error) = self.engine.unlock_with(Secret::Device(&key)) {
                return Err(key::shown(&error, self));
            }
        } else {
            let passphrase = self.passphrase.ask()?;
            self.engine
                .unlock(&passphrase)
                .map_err(|error| unlock_failure(&error, &self.folder))?;
        }
        if let Err(error) = self.engine.merge_inbox() {
            tracing::warn!(%error, "what arrived while the vault was locked waits");
        }
        Ok(&self.engine)
    }
}

fn start_failure(error: &StartEngineError) -> Failure {
    let remedy = match error {
        StartEngineError::InUse => {
            "end the other program, or use its page; one program at a time uses a vault"
        }
        StartEngineError::Share(_) => {
            "move it to a disk of this machine; on a share it can break at any time, and \
             --vault-on-network-share says that you want it there"
        }
        StartEngineError::Stranger { .. } => {
            "run this as that account, or give it to yours with chown if you trust what is in it"
        }
        StartEngineError::ReadOnly(_) => {
            "make it writable for your account, or say with --vault which folder is"
        }
        StartEngineError::Io(_) => "say with --vault which folder you may write to",
    };
    Failure::could_not(error, remedy)
}

fn unlock_failure(error: &UnlockError, folder: &VaultFolder) -> Failure {
    const RESTORE: &str =
        "put a good copy of the vault's folder back, and keep this one until it opens";
    match error {
        UnlockError::Keyring(ReadKeyringError::Missing) => no_vault(folder),
        UnlockError::Keyring(cause) => Failure::could_not(cause, RESTORE),
        UnlockError::Secret(UnlockKeyringError::Wrong) => Failure::refused(
            "this passphrase does not open the vault",
            "try again; if it is lost: besace key change-passphrase --with-kit",
        ),
        UnlockError::Secret(UnlockKeyringError::Busy | UnlockKeyringError::Kdf) => {
            Failure::could_not(error, "close other programs, there is not enough memory")
        }
        UnlockError::TooSoon { .. } => {
            Failure::refused(error, "wait so long; a recovery kit or a device key opens at once")
        }
        UnlockError::Vault(cause @ OpenVaultError::Newer { .. }) => {
            Failure::could_not(cause, "use the newer program that wrote it")
        }
        UnlockError::Vault(cause @ OpenVaultError::SafeCopy(_)) => Failure::could_not(
            cause,
            "make room for a second vault file in its folder; until then the former program opens it",
        ),
        UnlockError::Vault(cause @ OpenVaultError::Upgrade { .. }) => Failure::could_not(
            cause,
            "use the former program, which opens it, and tell us; a copy of the file lies beside it",
        ),
        UnlockError::Vault(cause @ OpenVaultError::Schema) => {
            Failure::could_not(cause, "do not use it; put a copy back that your own program made")
        }
        UnlockError::Vault(cause) => Failure::could_not(cause, RESTORE),
    }
}

#[cfg(test)]
mod tests;
