//! The simulated ether: air in which shops, phones, receivers and an eavesdropper meet.
//!
//! Deterministic by its seed, and without a clock: the caller says how far time goes. Packets are lost and
//! delayed between honest parties; the eavesdropper stands everywhere, misses nothing and forgets nothing.

use std::collections::BTreeMap;

use besace_agent::radio::{Antenna, Broadcast, Heard, RadioCommand};
use besace_protocol::{
    presence::{Advertisement, EphemeralId, IBeacon, INTERVAL_MILLIS, RadioTime, ShopChain, Slot},
    time::Day,
};
use rand::{Rng as _, RngCore as _, SeedableRng as _, rngs::StdRng};
use tokio::sync::mpsc::error::TryRecvError;

/// A place within which everything is heard, and beyond which nothing is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Place(pub u32);

/// How bad the air is.
#[derive(Clone, Copy, Debug)]
pub struct Air {
    /// Packets lost on the way to each listener, of a thousand.
    pub lost_per_thousand: u32,
    /// Longest delay between reception and the listener's program, in milliseconds.
    pub delay_millis_max: u64,
}

impl Air {
    /// Nothing is lost, nothing is late.
    pub const CLEAR: Self = Self { lost_per_thousand: 0, delay_millis_max: 0 };
    /// A busy shop: a third is lost, and a program may sleep for two seconds.
    pub const BUSY: Self = Self { lost_per_thousand: 333, delay_millis_max: 2_000 };
}

/// A phone, from the ether's side.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PhoneId(usize);

/// A receiver in a shop.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ReceiverId(usize);

/// One packet as the eavesdropper has it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Overheard {
    /// When it was sent.
    pub at: RadioTime,
    /// Where.
    pub place: Place,
    /// From which address.
    pub address: [u8; 6],
    /// What.
    pub payload: Vec<u8>,
}

/// The air of a town.
#[derive(Debug)]
pub struct Ether {
    now: RadioTime,
    air: Air,
    rng: StdRng,
    shops: Vec<Emitter>,
    phones: Vec<Phone>,
    receivers: Vec<Receiver>,
    /// What is on its way to a program, by arrival and by order of sending.
    on_the_way: BTreeMap<(RadioTime, u64), (Listener, Vec<u8>)>,
    sent: u64,
    overheard: Vec<Overheard>,
}

#[derive(Debug)]
struct Emitter {
    place: Place,
    address: [u8; 6],
    chains: BTreeMap<Day, ShopChain>,
    next: RadioTime,
    /// Whether the next packet is the iBeacon.
    wakes: bool,
}

#[derive(Debug)]
struct Phone {
    place: Option<Place>,
    antenna: Antenna,
    on_air: Option<Broadcast>,
    next: RadioTime,
}

#[derive(Debug)]
struct Receiver {
    place: Place,
    heard: Vec<(RadioTime, EphemeralId)>,
}

#[derive(Clone, Copy, Debug)]
enum Listener {
    Phone(usize),
    Receiver(usize),
}

impl Ether {
    /// Silence at `now`.
    pub fn new(seed: u64, air: Air, now: RadioTime) -> Self {
        Self {
            now,
            air,
            rng: StdRng::seed_from_u64(seed),
            shops: Vec::new(),
            phones: Vec::new(),
            receivers: Vec::new(),
            on_the_way: BTreeMap::new(),
            sent: 0,
            overheard: Vec::new(),
        }
    }

    /// What time it is in the air.
    pub const fn now(&self) -> RadioTime {
        self.now
    }

    /// Puts an emitter in place: its shop frame and its iBeacon in turn, on the days it has chains of.
    pub fn add_shop(&mut self, place: Place, chains: impl IntoIterator<Item = ShopChain>) {
        let chains = chains.into_iter().map(|chain| (chain.day(), chain)).collect();
        let mut address = [0; 6];
        self.rng.fill_bytes(&mut address);
        let next = self.now.plus(self.rng.gen_range(0..INTERVAL_MILLIS));
        self.shops.push(Emitter { place, address, chains, next, wakes: false });
    }

    /// Puts a receiver in place.
    pub fn add_receiver(&mut self, place: Place) -> ReceiverId {
        self.receivers.push(Receiver { place, heard: Vec::new() });
        ReceiverId(self.receivers.len() - 1)
    }

    /// Gives a phone its antenna.
    pub fn add_phone(&mut self, place: Option<Place>, antenna: Antenna) -> PhoneId {
        self.phones.push(Phone { place, antenna, on_air: None, next: self.now });
        PhoneId(self.phones.len() - 1)
    }

    /// Carries a phone elsewhere; `None` is out of reach of everything but the eavesdropper's patience.
    pub fn carry(&mut self, phone: PhoneId, place: Option<Place>) {
        self.phones[phone.0].place = place;
    }

    /// Somebody else sends a packet: a relay, a forger.
    pub fn inject(&mut self, place: Place, payload: &[u8]) {
        let mut address = [0; 6];
        self.rng.fill_bytes(&mut address);
        self.send(place, address, payload.to_vec());
    }

    /// What a receiver heard since it was last asked.
    pub fn take_heard(&mut self, receiver: ReceiverId) -> Vec<(RadioTime, EphemeralId)> {
        std::mem::take(&mut self.receivers[receiver.0].heard)
    }

    /// Everything that was ever on air.
    pub fn overheard(&self) -> &[Overheard] {
        &self.overheard
    }

    /// The identifiers among it, each once, in the order of their first appearance.
    pub fn overheard_identifiers(&self) -> Vec<EphemeralId> {
        let mut all = Vec::new();
        for packet in &self.overheard {
            if let Ok(Advertisement::Identifier(id)) = Advertisement::parse(&packet.payload)
                && !all.contains(&id)
            {
                all.push(id);
            }
        }
        all
    }

    /// Lets time pass until `until`: everything due before it is sent, and arrives.
    pub fn advance(&mut self, until: RadioTime) {
        self.listen_to_agents();
        while let Some(next) = self.next_moment().filter(|next| *next < until) {
            self.now = self.now.max(next);
            self.emit_shops();
            self.emit_phones();
            self.deliver();
        }
        self.now = self.now.max(until);
    }

    fn next_moment(&self) -> Option<RadioTime> {
        let shops = self.shops.iter().map(|shop| shop.next);
        let phones = self.phones.iter().filter(|phone| phone.on_air.is_some()).map(|p| p.next);
        let arrivals = self.on_the_way.keys().map(|(at, _)| *at).take(1);
        shops.chain(phones).chain(arrivals).min()
    }

    /// Takes the commands of the agents: the last one counts.
    fn listen_to_agents(&mut self) {
        for phone in &mut self.phones {
            loop {
                match phone.antenna.commands.try_recv() {
                    Ok(RadioCommand::Emit(broadcast)) => {
                        phone.next = broadcast.start.max(self.now);
                        phone.on_air = Some(broadcast);
                    }
                    Ok(RadioCommand::Stop) => phone.on_air = None,
                    Err(TryRecvError::Empty | TryRecvError::Disconnected) => break,
                }
            }
        }
    }

    fn emit_shops(&mut self) {
        let (day, slot) = (Day::of(self.now.timestamp()), Slot::of(self.now.timestamp()));
        let mut packets = Vec::new();
        for shop in self.shops.iter_mut().filter(|shop| shop.next <= self.now) {
            if let Some(chain) = shop.chains.get(&day) {
                let frame = chain.frame(slot);
                let payload = if shop.wakes {
                    IBeacon::wake(frame.code).to_advertisement().to_vec()
                } else {
                    frame.to_advertisement().to_vec()
                };
                packets.push((shop.place, shop.address, payload));
            }
            shop.wakes = !shop.wakes;
            // Bluetooth adds up to ten milliseconds to each interval, so that emitters do not collide for ever.
            shop.next = shop.next.plus(INTERVAL_MILLIS + self.rng.gen_range(0..=10));
        }
        for (place, address, payload) in packets {
            self.send(place, address, payload);
        }
    }

    fn emit_phones(&mut self) {
        let mut packets = Vec::new();
        for phone in &mut self.phones {
            if phone.on_air.as_ref().is_some_and(|broadcast| broadcast.stop <= self.now) {
                phone.on_air = None;
            }
            let Some(broadcast) = phone.on_air.as_ref().filter(|_| phone.next <= self.now) else {
                continue;
            };
            // What is sent where nobody is, the eavesdropper has too.
            let place = phone.place.unwrap_or(Place(u32::MAX));
            packets.push((place, *broadcast.address.as_bytes(), broadcast.payload.to_vec()));
            phone.next = phone.next.plus(INTERVAL_MILLIS + self.rng.gen_range(0..=10));
        }
        for (place, address, payload) in packets {
            self.send(place, address, payload);
        }
    }

    /// One packet to everybody in its place; phones do not listen to phones.
    fn send(&mut self, place: Place, address: [u8; 6], payload: Vec<u8>) {
        let phones = (0..self.phones.len())
            .filter(|index| self.phones[*index].place == Some(place))
            .map(Listener::Phone);
        let receivers = (0..self.receivers.len())
            .filter(|index| self.receivers[*index].place == place)
            .map(Listener::Receiver);
        for listener in phones.chain(receivers).collect::<Vec<_>>() {
            if self.rng.gen_range(0..1000) < self.air.lost_per_thousand {
                continue;
            }
            let delay = self.rng.gen_range(0..=self.air.delay_millis_max);
            self.sent += 1;
            self.on_the_way.insert((self.now.plus(delay), self.sent), (listener, payload.clone()));
        }
        self.overheard.push(Overheard { at: self.now, place, address, payload });
    }

    fn deliver(&mut self) {
        while let Some(entry) = self.on_the_way.first_entry() {
            let (at, _) = *entry.key();
            if at > self.now {
                break;
            }
            let (listener, payload) = entry.remove();
            match listener {
                // A full channel is a busy program: the packet is gone, as it would be.
                Listener::Phone(index) => {
                    drop(self.phones[index].antenna.heard.try_send(Heard { payload, at }));
                }
                Listener::Receiver(index) => {
                    if let Ok(Advertisement::Identifier(id)) = Advertisement::parse(&payload) {
                        self.receivers[index].heard.push((at, id));
                    }
                }
            }
        }
    }
}
