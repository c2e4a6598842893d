//! The names of control services, as the last column shows them.
//!
//! Identifiers after PRS_Dlt, section "Control messages"; the names are dlt-core's (`service_id_lookup`), because the
//! text is to be the same. A test compares all 256.

/// The name of service `id`, where it has one.
pub(crate) fn name(id: u8) -> Option<&'static str> {
    NAMES.get(usize::from(id).checked_sub(1)?).copied()
}

/// From service 1 upwards, without a gap.
const NAMES: [&str; 0x23] = [
    "set_log_level",
    "set_trace_status",
    "get_log_info",
    "get_default_log_level",
    "store_configuration",
    "restore_to_factory_default",
    "set_com_interface_status",
    "set_com_interface_max_bandwidth",
    "set_verbose_mode",
    "set_message_filtering",
    "set_timing_packets",
    "get_local_time",
    "set_use_ecuid",
    "set_use_session_id",
    "set_use_timestamp",
    "set_use_extended_header",
    "set_default_log_level",
    "set_default_trace_status",
    "get_software_version",
    "message_buffer_overflow",
    "get_default_trace_status",
    "get_com_interfacel_status",
    "get_log_channel_names",
    "get_com_interface_max_bandwidth",
    "get_verbose_mode_status",
    "get_message_filtering_status",
    "get_use_ecuid",
    "get_use_session_id",
    "get_use_timestamp",
    "get_use_extended_header",
    "get_trace_status",
    "set_log_channel_assignment",
    "set_log_channel_threshold",
    "get_log_channel_threshold",
    "buffer_overflow_notification",
];
