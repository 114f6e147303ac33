//! Running a program until its k-th system call of a kind, and killing it just before or after, or
//! having that call fail.
//!
//! The program is watched through ptrace(2): no line of it knows that it is being watched, and
//! SIGKILL leaves it no last word. The call that a killed thread was about to make is not made, nor
//! is one that fails.
#![allow(dead_code, reason = "each test target uses its own part")]

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};

use nix::errno::Errno;
use nix::libc;
use nix::sys::ptrace::{self, Options};
use nix::sys::signal::{Signal, kill};
use nix::sys::wait::{WaitPidFlag, WaitStatus, waitpid};
use nix::unistd::Pid;

use crate::common::Run;

/// Which calls are counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Call {
    /// A file is made durable: `fsync`, `fdatasync`.
    Sync,
    /// Bytes go out on a socket: `write`, `writev`, `sendto`, `sendmsg` on one.
    Send,
    /// A file gets bytes, a name or an end: writes that go to no socket, renames, links, removals,
    /// new folders, truncations.
    Change,
}

/// What happens at the call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Deed {
    /// The program is killed; the call is not made.
    KillBefore,
    /// The program is killed; the call has been made.
    KillAfter,
    /// This one call fails.
    Fail(Errno),
    /// This and every later call of the kind fails.
    FailOn(Errno),
}

/// Where it happens.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Trap {
    pub(crate) call: Call,
    pub(crate) deed: Deed,
    /// From 1.
    pub(crate) number: u64,
}

/// How a watched run ended.
#[derive(Debug)]
pub(crate) struct Watched {
    pub(crate) killed: bool,
    /// Calls made of each kind: sync, send, change.
    pub(crate) calls: [u64; 3],
    pub(crate) run: Run,
}

/// Whether this system lets a program be watched by its parent.
pub(crate) fn permitted() -> bool {
    let mut command = Command::new("true");
    command.env_clear();
    watch(&command, None, &std::env::temp_dir()).is_ok()
}

/// Runs a command under watch, to its end or into the trap; `scratch` takes what it prints.
#[expect(clippy::zombie_processes, reason = "its end is waited for by its number")]
pub(crate) fn watch(command: &Command, trap: Option<Trap>, scratch: &Path) -> nix::Result<Watched> {
    // The shell stops itself, so that nothing happens before it is being watched.
    let mut shell = Command::new("/bin/sh");
    shell.args(["-c", "kill -STOP $$; exec \"$0\" \"$@\""]);
    shell.arg(command.get_program()).args(command.get_args());
    shell.env_clear();
    shell.envs(command.get_envs().filter_map(|(name, value)| Some((name, value?))));
    if !command.get_envs().any(|(name, _)| name == "PATH") {
        shell.env("PATH", "/usr/bin:/bin");
    }
    if let Some(dir) = command.get_current_dir() {
        shell.current_dir(dir);
    }
    let unique = format!("watched-{:?}", std::thread::current().id());
    let [out, err] = ["out", "err"].map(|name| scratch.join(format!("{unique}.{name}")));
    shell.stdin(Stdio::null());
    shell.stdout(fs::File::create(&out).unwrap()).stderr(fs::File::create(&err).unwrap());
    let child = shell.spawn().unwrap();
    let leader = Pid::from_raw(i32::try_from(child.id()).unwrap());
    let mut tracer = Tracer {
        leader,
        trap,
        inside: BTreeSet::new(),
        doomed: None,
        failing: BTreeMap::new(),
        calls: [0; 3],
    };
    let ended = tracer.follow();
    if ended.is_err() {
        kill(leader, Signal::SIGKILL).unwrap();
    }
    let (killed, code) = ended?;
    let text = |path: &Path| {
        let text = String::from_utf8_lossy(&fs::read(path).unwrap()).into_owned();
        fs::remove_file(path).unwrap();
        text
    };
    let run = Run { code, stdout: text(&out), stderr: text(&err) };
    Ok(Watched { killed, calls: tracer.calls, run })
}

struct Tracer {
    leader: Pid,
    trap: Option<Trap>,
    /// Threads between the entry and the exit of a call.
    inside: BTreeSet<Pid>,
    /// The thread whose call is to be the last.
    doomed: Option<Pid>,
    /// Threads whose call was not made, and what they are told instead.
    failing: BTreeMap<Pid, Errno>,
    calls: [u64; 3],
}

impl Tracer {
    /// Follows every thread until the program has ended: whether it was killed, and its exit code.
    fn follow(&mut self) -> nix::Result<(bool, i32)> {
        waitpid(self.leader, Some(WaitPidFlag::WUNTRACED))?;
        let options = Options::PTRACE_O_TRACESYSGOOD
            | Options::PTRACE_O_TRACECLONE
            | Options::PTRACE_O_TRACEEXEC
            | Options::PTRACE_O_EXITKILL;
        ptrace::seize(self.leader, options)?;
        kill(self.leader, Signal::SIGCONT)?;
        // Threads of this process may watch programs of their own.
        let flags = WaitPidFlag::__WALL | WaitPidFlag::__WNOTHREAD;
        loop {
            match waitpid(None, Some(flags))? {
                WaitStatus::Exited(pid, code) if pid == self.leader => return Ok((false, code)),
                WaitStatus::Signaled(pid, signal, _) if pid == self.leader => {
                    return Ok((signal == Signal::SIGKILL, -1));
                }
                WaitStatus::PtraceSyscall(pid) => self.at_call(pid)?,
                WaitStatus::PtraceEvent(pid, _, _) => go_on(pid, None)?,
                WaitStatus::Stopped(pid, signal) => {
                    let passed = !matches!(signal, Signal::SIGSTOP | Signal::SIGTRAP);
                    go_on(pid, passed.then_some(signal))?;
                }
                WaitStatus::Exited(..)
                | WaitStatus::Signaled(..)
                | WaitStatus::Continued(_)
                | WaitStatus::StillAlive => {}
            }
        }
    }

    fn at_call(&mut self, pid: Pid) -> nix::Result<()> {
        let entering = self.inside.insert(pid);
        if !entering {
            self.inside.remove(&pid);
        }
        if entering && let Some(call) = called(pid)? {
            let count = &mut self.calls[call as usize];
            *count += 1;
            let here = |trap: &Trap| match trap.deed {
                Deed::FailOn(_) => trap.number <= *count,
                Deed::KillBefore | Deed::KillAfter | Deed::Fail(_) => trap.number == *count,
            };
            match self.trap.filter(|trap| trap.call == call && here(trap)).map(|trap| trap.deed) {
                Some(Deed::KillBefore) => return kill(self.leader, Signal::SIGKILL),
                Some(Deed::KillAfter) => self.doomed = Some(pid),
                Some(Deed::Fail(errno) | Deed::FailOn(errno)) => {
                    skip(pid)?;
                    self.failing.insert(pid, errno);
                }
                None => {}
            }
        }
        if !entering {
            if self.doomed == Some(pid) {
                return kill(self.leader, Signal::SIGKILL);
            }
            if let Some(errno) = self.failing.remove(&pid) {
                answer(pid, errno)?;
            }
        }
        go_on(pid, None)
    }
}

/// Lets a thread run to its next call; one that has died meanwhile needs nothing.
fn go_on(pid: Pid, signal: Option<Signal>) -> nix::Result<()> {
    match ptrace::syscall(pid, signal) {
        Err(Errno::ESRCH) | Ok(()) => Ok(()),
        Err(error) => Err(error),
    }
}

/// The call a thread is about to make, if it is one that counts.
fn called(pid: Pid) -> nix::Result<Option<Call>> {
    let registers = match ptrace::getregs(pid) {
        Err(Errno::ESRCH) => return Ok(None),
        registers => registers?,
    };
    #[cfg(target_arch = "x86_64")]
    let (number, first) = (registers.orig_rax, registers.rdi);
    #[cfg(target_arch = "aarch64")]
    let (number, first) = (registers.regs[8], registers.regs[0]);
    let number = libc::c_long::try_from(number).unwrap_or(-1);
    Ok(match number {
        libc::SYS_fsync | libc::SYS_fdatasync => Some(Call::Sync),
        libc::SYS_sendto | libc::SYS_sendmsg => Some(Call::Send),
        libc::SYS_write | libc::SYS_writev => match target(pid, first).as_str() {
            socket if socket.starts_with("socket:") => Some(Call::Send),
            // What is printed goes to a file here; that is not what is looked at.
            file if file.starts_with('/') && first > 2 => Some(Call::Change),
            _ => None,
        },
        libc::SYS_pwrite64
        | libc::SYS_ftruncate
        | libc::SYS_renameat
        | libc::SYS_renameat2
        | libc::SYS_linkat
        | libc::SYS_unlinkat
        | libc::SYS_mkdirat => Some(Call::Change),
        #[cfg(target_arch = "x86_64")]
        libc::SYS_rename | libc::SYS_link | libc::SYS_unlink | libc::SYS_mkdir => {
            Some(Call::Change)
        }
        _ => None,
    })
}

/// Has the kernel make no call at all in place of the one a thread is about to make.
#[cfg(target_arch = "x86_64")]
fn skip(pid: Pid) -> nix::Result<()> {
    let registers = ptrace::getregs(pid)?;
    ptrace::setregs(pid, libc::user_regs_struct { orig_rax: u64::MAX, ..registers })
}

/// What the thread is told of the call that was not made.
#[cfg(target_arch = "x86_64")]
fn answer(pid: Pid, errno: Errno) -> nix::Result<()> {
    let registers = ptrace::getregs(pid)?;
    let code = i64::from(errno as i32).wrapping_neg().cast_unsigned();
    ptrace::setregs(pid, libc::user_regs_struct { rax: code, ..registers })
}

/// Elsewhere the number of a call cannot be changed through its registers.
#[cfg(not(target_arch = "x86_64"))]
fn skip(_: Pid) -> nix::Result<()> {
    Err(Errno::ENOTSUP)
}

#[cfg(not(target_arch = "x86_64"))]
fn answer(_: Pid, _: Errno) -> nix::Result<()> {
    Err(Errno::ENOTSUP)
}

/// What a file descriptor of a thread stands for.
fn target(pid: Pid, descriptor: u64) -> String {
    let link = fs::read_link(format!("/proc/{pid}/fd/{descriptor}"));
    link.map(|path| path.to_string_lossy().into_owned()).unwrap_or_default()
}
