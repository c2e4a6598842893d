//! Which functions of wasmer-wasix a guest may call, and what the others answer.
//!
//! WASIX can do what a plugin has no business with: open sockets, start processes and threads, load code, and call back into the
//! guest from within the host, where no time limit reaches it. A list of what is denied would let through what the next
//! release adds; so this is a list of what is allowed.

use wasmer_wasix::types::wasi::Errno;

/// What happens when a guest calls a function.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Policy {
    /// It runs.
    Allow,
    /// It answers with this error, or does nothing where it has no answer to give.
    Deny(Errno),
    /// The guest cannot go on without it, and ends.
    Trap,
}

/// The policy for a function that wasmer-wasix has, by the name of the module it is imported from and its own.
pub(crate) fn policy(module: &str, name: &str) -> Policy {
    let allowed = match module {
        "wasi_unstable" | "wasi_snapshot_preview1" => BOTH.contains(&name),
        "wasix_32v1" => BOTH.contains(&name) || WASIX.contains(&name),
        _ => false,
    };
    if allowed {
        return Policy::Allow;
    }
    if NETWORK.iter().any(|begin| name.starts_with(begin)) {
        return Policy::Deny(Errno::Access);
    }
    if RETURN_NOWHERE.contains(&name) {
        return Policy::Trap;
    }
    if SILENT.contains(&name) {
        return Policy::Deny(Errno::Success);
    }
    if UNSUPPORTED.iter().any(|begin| name.starts_with(begin)) {
        return Policy::Deny(Errno::Notsup);
    }
    // Processes and threads.
    Policy::Deny(Errno::Perm)
}

/// Allowed in preview 1 and WASIX alike.
const BOTH: &[&str] = &[
    "args_get",
    "args_sizes_get",
    "clock_res_get",
    "clock_time_get",
    "environ_get",
    "environ_sizes_get",
    "fd_advise",
    "fd_allocate",
    "fd_close",
    "fd_datasync",
    "fd_fdstat_get",
    "fd_fdstat_set_flags",
    "fd_fdstat_set_rights",
    "fd_filestat_get",
    "fd_filestat_set_size",
    "fd_filestat_set_times",
    "fd_pread",
    "fd_prestat_dir_name",
    "fd_prestat_get",
    "fd_pwrite",
    "fd_read",
    "fd_readdir",
    "fd_renumber",
    "fd_seek",
    "fd_sync",
    "fd_tell",
    "fd_write",
    "path_create_directory",
    "path_filestat_get",
    "path_filestat_set_times",
    "path_open",
    "path_readlink",
    "path_remove_directory",
    "path_rename",
    "path_symlink",
    "path_unlink_file",
    "poll_oneoff",
    "proc_exit",
    "proc_raise",
    "random_get",
    "sched_yield",
];

/// Allowed in WASIX beside those.
const WASIX: &[&str] = &[
    "chdir",
    "fd_dup",
    "fd_dup2",
    "fd_fdflags_get",
    "fd_fdflags_set",
    "futex_wait",
    "futex_wake",
    "futex_wake_all",
    "getcwd",
    "path_open2",
    "proc_exit2",
    "proc_id",
    "proc_parent",
    "thread_id",
    "thread_parallelism",
    "thread_sleep",
    "tty_get",
];

/// Of the network, by how the names begin.
const NETWORK: &[&str] = &["sock_", "port_", "resolve"];

/// Do not come back when they succeed, and have no result to say that they did not.
const RETURN_NOWHERE: &[&str] = &["proc_exec", "proc_exec2", "stack_restore", "thread_exit"];

/// Every WASIX program calls it when it starts; nobody sends it a signal, so nothing is lost.
const SILENT: &[&str] = &["callback_signal"];

/// Not there, for nobody, by how the names begin: what would block where nobody can end it (pipes and events, which need a second
/// thread to be of use; epoll, which is for sockets), what calls back into the guest, and hard links: wasmer-wasix's `Arc` of a file
/// system does not hand them on to it, and it then makes links that only the guest sees.
const UNSUPPORTED: &[&str] = &[
    "call_dynamic",
    "clock_time_set",
    "closure_",
    "context_",
    "dl",
    "epoll_",
    "fd_event",
    "fd_pipe",
    "path_link",
    "proc_snapshot",
    "reflect_signature",
    "stack_checkpoint",
    "tty_set",
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_named_is_denied() {
        assert_eq!(policy("wasix_32v1", "fd_read"), Policy::Allow);
        assert_eq!(policy("wasix_64v1", "fd_read"), Policy::Deny(Errno::Perm));
        assert_eq!(
            policy("wasi_snapshot_preview1", "thread_sleep"),
            Policy::Deny(Errno::Perm)
        );
        assert_eq!(policy("wasix_32v1", "thread_sleep"), Policy::Allow);
        assert_eq!(
            policy("wasix_32v1", "sock_open"),
            Policy::Deny(Errno::Access)
        );
        assert_eq!(
            policy("wasi_snapshot_preview1", "sock_recv"),
            Policy::Deny(Errno::Access)
        );
        assert_eq!(
            policy("wasix_32v1", "proc_spawn"),
            Policy::Deny(Errno::Perm)
        );
        assert_eq!(
            policy("wasix_32v1", "thread_spawn_v2"),
            Policy::Deny(Errno::Perm)
        );
        assert_eq!(policy("wasi", "thread-spawn"), Policy::Deny(Errno::Perm));
        assert_eq!(policy("wasix_32v1", "fd_pipe"), Policy::Deny(Errno::Notsup));
        assert_eq!(policy("wasix_32v1", "dlopen"), Policy::Deny(Errno::Notsup));
        assert_eq!(
            policy("wasix_32v1", "callback_signal"),
            Policy::Deny(Errno::Success)
        );
        assert_eq!(policy("wasix_32v1", "proc_exec"), Policy::Trap);
        assert_eq!(
            policy("wasix_32v1", "added_by_the_next_release"),
            Policy::Deny(Errno::Perm)
        );
    }
}
