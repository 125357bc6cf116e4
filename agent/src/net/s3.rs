//! A bucket of a server that speaks S3: a place of backups.
//!
//! The protocol is `object_store`'s, the way out is ours: no proxy, no redirect, no environment, answers
//! of bounded length, files in parts of bounded size. The server is one that she named herself, so it may
//! stand on her own network; plain HTTP is spoken only there. What goes out is encrypted already, and a
//! request is signed with her key, which does not travel.

use std::{
    error::Error,
    fs::File,
    io::{self, Read as _, Write as _},
    net::IpAddr,
    path::Path,
    time::Duration,
};

use age::secrecy::ExposeSecret as _;
use besace_protocol::address::is_public;
use http_body_util::{BodyExt as _, Full};
use object_store::{
    ClientOptions, ObjectStoreExt as _, PutPayload, RetryConfig,
    aws::{AmazonS3, AmazonS3Builder},
    client::{
        HttpClient, HttpConnector, HttpError, HttpErrorKind, HttpRequest, HttpResponse,
        HttpResponseBody, HttpService,
    },
    list::{PaginatedListOptions, PaginatedListStore as _},
    path::Path as Key,
};
use reqwest::{Client, redirect};
use tokio::{
    runtime::Handle,
    time::{Instant, error::Elapsed, timeout, timeout_at},
};
use url::{Host, Url};

use crate::{
    backup::{NAMES_MAX, S3Target, StoreError, fits},
    file::private_file,
};

/// How much is sent or asked for at once, in bytes: what S3 wants at least of each part but the last.
const PART_LEN: usize = 5 << 20;
/// Longest answer that is read, in bytes.
const ANSWER_LEN_MAX: usize = 16 << 20;
/// Longest time for one exchange, and for one list of names.
const TIMEOUT: Duration = Duration::from_mins(1);
/// Longest time for a part, either way: a slow line takes 140 kbit/s.
const PART_TIMEOUT: Duration = Duration::from_mins(5);
/// Most pages of names that are read: servers give a thousand names a page, and some give fewer.
const PAGES_MAX: usize = 200;

/// A bucket was not understood.
#[derive(Debug, thiserror::Error)]
pub enum BucketError {
    /// Not an address of a server.
    #[error("the address of the server is not written https://server")]
    Address,
    /// Plain HTTP to somewhere else than her own network.
    #[error("plain http is spoken on your own network only")]
    Plain,
    /// A name that the bucket, the prefix or the key cannot have.
    #[error("the bucket, its prefix and the key are written in plain letters")]
    Name,
    /// The client was not made.
    #[error("the client of the server could not be set up")]
    Setup(#[source] Box<dyn Error + Send + Sync>),
}

/// A bucket that can be reached.
#[derive(Debug)]
pub struct Bucket {
    store: AmazonS3,
    prefix: String,
    runtime: Handle,
    /// When all that is exchanged with it must be done.
    ends: Instant,
}

impl Bucket {
    /// Whether a target is written as it must be; nothing is sent.
    pub fn check(target: &S3Target) -> Result<(), BucketError> {
        let address = Url::parse(&target.endpoint).map_err(|_| BucketError::Address)?;
        let bare = address.path() == "/"
            && address.query().is_none()
            && address.fragment().is_none()
            && address.username().is_empty()
            && address.password().is_none();
        let host = address.host().filter(|_| bare).ok_or(BucketError::Address)?;
        match address.scheme() {
            "https" => {}
            "http" if is_at_home(&host) => {}
            "http" => return Err(BucketError::Plain),
            _ => return Err(BucketError::Address),
        }
        let plain = |text: &str, more: &[u8]| {
            text.len() <= 256
                && text.bytes().all(|b| b.is_ascii_alphanumeric() || more.contains(&b))
        };
        let well = !target.bucket.is_empty()
            && plain(&target.bucket, b".-")
            && plain(&target.prefix, b".-_/")
            && !target.prefix.split('/').any(|part| part == "." || part == "..")
            && plain(&target.region, b"-")
            && !target.access_key.is_empty()
            && target.access_key.bytes().all(|byte| byte.is_ascii_graphic())
            && !target.secret_key.expose_secret().is_empty();
        if well { Ok(()) } else { Err(BucketError::Name) }
    }

    /// The bucket of `target`; what is exchanged with it runs on `runtime`, and is over after `within`.
    pub fn open(target: &S3Target, runtime: Handle, within: Duration) -> Result<Self, BucketError> {
        Self::check(target)?;
        // Fails only when a provider is installed already, which serves as well.
        let _installed_before = rustls::crypto::ring::default_provider().install_default();
        let client = Client::builder()
            .no_proxy()
            .redirect(redirect::Policy::none())
            .timeout(TIMEOUT)
            .connect_timeout(Duration::from_secs(10))
            .build()
            .map_err(|error| BucketError::Setup(error.into()))?;
        let retry = RetryConfig {
            max_retries: 2,
            retry_timeout: Duration::from_secs(20),
            ..RetryConfig::default()
        };
        let region = if target.region.is_empty() { "us-east-1" } else { &target.region };
        let store = AmazonS3Builder::new()
            .with_endpoint(target.endpoint.trim_end_matches('/'))
            .with_bucket_name(&target.bucket)
            .with_region(region)
            .with_access_key_id(&target.access_key)
            .with_secret_access_key(target.secret_key.expose_secret())
            .with_virtual_hosted_style_request(false)
            .with_allow_http(true)
            .with_retry(retry)
            .with_http_connector(Connector(client))
            .build()
            .map_err(|error| BucketError::Setup(error.into()))?;
        let now = Instant::now();
        let ends = now.checked_add(within).unwrap_or(now);
        Ok(Self { store, prefix: target.prefix.trim_matches('/').to_owned(), runtime, ends })
    }

    /// Puts a copy of `file` there, whole or not at all, and never over what is there.
    /// `begun` is called once something of it may lie there.
    pub fn put(&self, name: &str, file: &Path, begun: impl FnOnce()) -> Result<(), StoreError> {
        let key = self.key(name)?;
        match self.in_time(async { self.store.head(&key).await.map_err(refused) }) {
            // Some servers tell who may not list names neither that there is one nor that there is none.
            Err(StoreError::Missing | StoreError::Denied(_)) => {}
            Ok(_) => return Err(StoreError::Taken),
            Err(error) => return Err(error),
        }
        let mut file = File::open(file).map_err(StoreError::Here)?;
        let first = read_part(&mut file)?;
        begun();
        if first.len() < PART_LEN {
            let whole = PutPayload::from(first);
            let put = async { self.store.put(&key, whole).await.map_err(refused) };
            return self.in_time(put).map(|_| ());
        }
        let begun = async { self.store.put_multipart(&key).await.map_err(refused) };
        let mut upload = self.in_time(begun)?;
        let sent = self.in_time(async {
            let mut part = first;
            while !part.is_empty() {
                upload.put_part(PutPayload::from(part)).await.map_err(refused)?;
                part = read_part(&mut file)?;
            }
            upload.complete().await.map(|_| ()).map_err(refused)
        });
        if sent.is_err() {
            // The server forgets the parts; if not even this reaches it, they are nobody's backup.
            let _stay_unfinished = self.soon(async { upload.abort().await.map_err(refused) });
        }
        sent
    }

    /// Copies what is called `name` to `file`, at most `max` bytes.
    pub fn get(&self, name: &str, file: &Path, max: u64) -> Result<u64, StoreError> {
        let key = self.key(name)?;
        let size = self.in_time(async { self.store.head(&key).await.map_err(refused) })?.size;
        fits(size, max, file)?;
        let mut out = private_file(file).map_err(StoreError::Here)?;
        self.in_time(async {
            let mut done: u64 = 0;
            while done < size {
                let step = u64::try_from(PART_LEN).unwrap_or(u64::MAX);
                let end = done.saturating_add(step).min(size);
                let part = self.store.get_range(&key, done..end).await.map_err(refused)?;
                if u64::try_from(part.len()).ok() != end.checked_sub(done) {
                    return Err(StoreError::Uneven);
                }
                out.write_all(&part).map_err(StoreError::Here)?;
                done = end;
            }
            Ok(done)
        })
    }

    /// The names under the prefix that begin with `start`.
    pub fn list(&self, start: &str) -> Result<Vec<String>, StoreError> {
        let prefix = match self.prefix.as_str() {
            "" => start.to_owned(),
            prefix => format!("{prefix}/{start}"),
        };
        self.in_time(async {
            let (mut names, mut page_token) = (Vec::new(), None);
            for _ in 0..PAGES_MAX {
                let options = PaginatedListOptions {
                    delimiter: Some("/".into()),
                    page_token,
                    ..PaginatedListOptions::default()
                };
                let page = self.store.list_paginated(Some(&prefix), options);
                let page = timeout(TIMEOUT, page).await.map_err(late)?;
                let page = page.map_err(refused)?;
                let found = page.result.objects.iter().filter_map(|it| it.location.filename());
                names.extend(found.filter(|name| name.starts_with(start)).map(str::to_owned));
                if names.len() > NAMES_MAX {
                    break;
                }
                page_token = page.page_token;
                if page_token.is_none() {
                    return Ok(names);
                }
            }
            Err(StoreError::TooMany)
        })
    }

    /// Removes what is called `name`; nothing is wrong if it is gone already.
    pub fn remove(&self, name: &str) -> Result<(), StoreError> {
        let key = self.key(name)?;
        match self.in_time(async { self.store.delete(&key).await.map_err(refused) }) {
            Ok(()) | Err(StoreError::Missing) => Ok(()),
            Err(error) => Err(error),
        }
    }

    /// Waits for what counts towards the time that there is for all of it; once that is over, begins nothing.
    fn in_time<T>(
        &self,
        work: impl Future<Output = Result<T, StoreError>>,
    ) -> Result<T, StoreError> {
        // A timer is looked at only after the work that it ends, and that may be ready by then.
        if Instant::now() >= self.ends {
            return Err(StoreError::Unreachable(io::Error::from(io::ErrorKind::TimedOut).into()));
        }
        let work = async { timeout_at(self.ends, work).await.map_err(late)? };
        self.runtime.block_on(work)
    }

    /// Waits for what is tidied up, also when that time is over.
    fn soon<T>(&self, work: impl Future<Output = Result<T, StoreError>>) -> Result<T, StoreError> {
        let work = async { timeout(TIMEOUT, work).await.map_err(late)? };
        self.runtime.block_on(work)
    }

    fn key(&self, name: &str) -> Result<Key, StoreError> {
        let text = format!("{}/{name}", self.prefix);
        Key::parse(text.trim_matches('/')).map_err(|error| StoreError::Other(error.into()))
    }
}

/// This machine, or an address that only her own network knows.
fn is_at_home(host: &Host<&str>) -> bool {
    match host {
        Host::Domain(name) => *name == "localhost",
        Host::Ipv4(ip) => !is_public(IpAddr::V4(*ip)),
        Host::Ipv6(ip) => !is_public(IpAddr::V6(*ip)),
    }
}

fn read_part(file: &mut File) -> Result<Vec<u8>, StoreError> {
    let mut part = Vec::new();
    let limit = u64::try_from(PART_LEN).unwrap_or(u64::MAX);
    file.take(limit).read_to_end(&mut part).map_err(StoreError::Here)?;
    Ok(part)
}

fn late(late: Elapsed) -> StoreError {
    StoreError::Unreachable(late.into())
}

fn refused(error: object_store::Error) -> StoreError {
    /// What servers call having no room; the status alone does not say it.
    const FULL: [&str; 5] = [
        "507 Insufficient Storage",
        "QuotaExceeded",
        "StorageFull",
        "InsufficientStorage",
        "InsufficientCapacity",
    ];
    match error {
        object_store::Error::NotFound { .. } => StoreError::Missing,
        // What it says names the file, too, whose letters no server chose. Some servers say it as a refusal.
        _ if FULL.iter().any(|word| error.to_string().contains(word)) => {
            StoreError::Full(error.into())
        }
        object_store::Error::PermissionDenied { .. }
        | object_store::Error::Unauthenticated { .. } => StoreError::Denied(error.into()),
        _ if is_of_the_way(&error) => StoreError::Unreachable(error.into()),
        _ => StoreError::Other(error.into()),
    }
}

/// Whether nobody answered, as against an answer that was no use.
fn is_of_the_way(error: &(dyn Error + 'static)) -> bool {
    let mut cause = Some(error);
    while let Some(error) = cause {
        if let Some(http) = error.downcast_ref::<HttpError>() {
            return !matches!(http.kind(), HttpErrorKind::Decode);
        }
        cause = error.source();
    }
    false
}

/// Our own way out, under `object_store`.
#[derive(Clone, Debug)]
struct Connector(Client);

impl HttpConnector for Connector {
    fn connect(&self, _: &ClientOptions) -> object_store::Result<HttpClient> {
        Ok(HttpClient::new(self.clone()))
    }
}

#[derive(Debug, thiserror::Error)]
#[error("the answer is longer than {ANSWER_LEN_MAX} bytes")]
struct TooLong;

#[async_trait::async_trait]
impl HttpService for Connector {
    async fn call(&self, request: HttpRequest) -> Result<HttpResponse, HttpError> {
        let (parts, body) = request.into_parts();
        let url: Url =
            parts.uri.to_string().parse().map_err(|error| {
                HttpError::new::<url::ParseError>(HttpErrorKind::Unknown, error)
            })?;
        let body = body.collect().await?.to_bytes();
        let long = matches!(parts.method.as_str(), "PUT" | "GET");
        let request = self.0.request(parts.method, url).headers(parts.headers).body(body);
        let sent = request.timeout(if long { PART_TIMEOUT } else { TIMEOUT }).send();
        let mut answer = sent.await.map_err(unanswered)?;
        let mut bytes = Vec::new();
        while let Some(chunk) = answer.chunk().await.map_err(unanswered)? {
            if bytes.len().saturating_add(chunk.len()) > ANSWER_LEN_MAX {
                return Err(HttpError::new(HttpErrorKind::Decode, TooLong));
            }
            bytes.extend_from_slice(&chunk);
        }
        let body = Full::new(bytes.into()).map_err(|never| match never {});
        let mut response = HttpResponse::new(HttpResponseBody::new(body));
        *response.status_mut() = answer.status();
        std::mem::swap(response.headers_mut(), answer.headers_mut());
        Ok(response)
    }
}

fn unanswered(error: reqwest::Error) -> HttpError {
    let kind = if error.is_timeout() {
        HttpErrorKind::Timeout
    } else if error.is_connect() {
        HttpErrorKind::Connect
    } else {
        HttpErrorKind::Interrupted
    };
    // Without the address: it names her bucket.
    HttpError::new(kind, error.without_url())
}

#[cfg(test)]
mod tests;
