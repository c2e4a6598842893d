//! `pcap-source`: messages that come in packets, from a capture that the test makes.

use anyhow::{Result, ensure};
use chipmunk_e2e::{Command, Dir, dlt};

/// A capture of UDP packets over Ethernet and IPv4, in the format of libpcap's savefile(5), little-endian, microseconds.
fn capture(payloads: &[&[u8]]) -> Vec<u8> {
    let mut file = Vec::new();
    for field in [0xa1b2_c3d4_u32, 0x0004_0002, 0, 0, 65_535, 1] {
        file.extend(field.to_le_bytes());
    }
    for (index, payload) in payloads.iter().enumerate() {
        let length = payload.len() as u16;
        let mut packet = vec![2; 12];
        packet.extend([0x08, 0x00]);
        packet.extend([0x45, 0]);
        packet.extend((20 + 8 + length).to_be_bytes());
        packet.extend([0, 0, 0x40, 0, 64, 17, 0, 0, 10, 0, 0, 1, 10, 0, 0, 2]);
        packet.extend(3490_u16.to_be_bytes());
        packet.extend(3490_u16.to_be_bytes());
        packet.extend((8 + length).to_be_bytes());
        packet.extend([0, 0]);
        packet.extend(*payload);
        let (seconds, size) = (1_700_000_000 + index as u32, packet.len() as u32);
        for field in [seconds, 250_000, size, size] {
            file.extend(field.to_le_bytes());
        }
        file.extend(packet);
    }
    file
}

#[test]
fn messages_in_packets_are_found() -> Result<()> {
    let dir = Dir::new()?;
    let trace = dir.trace(400, 0, 150, 21)?;
    // On the wire there are no storage headers; three messages a packet.
    let messages: Vec<&[u8]> = dlt::messages(&trace)
        .into_iter()
        .filter_map(|message| message.get(16..))
        .collect();
    let bare = messages.concat();
    let payloads: Vec<Vec<u8>> = messages.chunks(3).map(<[_]>::concat).collect();
    let payloads: Vec<&[u8]> = payloads.iter().map(Vec::as_slice).collect();
    dir.write("capture.pcap", capture(&payloads))?;
    dir.write("bare.dlt", &bare)?;
    let wire = ["--set", "storage-header=false"];
    let text = Command::export(dir.path("bare.dlt"), ("native", "native"))?
        .args(wire)
        .run()?
        .succeeded()?
        .stdout;
    for parser in ["native", "dlt-parser"] {
        for chunk in [
            "--chunk-bytes=1",
            "--chunk-bytes=100",
            "--chunk-bytes=1000000",
        ] {
            let export = |format| -> Result<_> {
                let command = Command::export(dir.path("capture.pcap"), ("pcap-source", parser))?;
                command
                    .args(wire)
                    .args(["--format", format, chunk])
                    .run()?
                    .succeeded()
            };
            let run = export("raw")?;
            ensure!(run.stdout == bare, "{parser} {chunk}");
            let stats = run.stats()?;
            assert_eq!(
                (stats.messages, stats.loaded_bytes),
                (400, bare.len() as u64),
                "{parser} {chunk}"
            );
            ensure!(export("text")?.stdout == text, "{parser} {chunk}");
        }
    }
    Ok(())
}

#[test]
fn a_file_that_is_no_capture_is_refused() -> Result<()> {
    let dir = Dir::new()?;
    dir.trace(10, 0, 150, 1)?;
    let command = Command::export(dir.path("trace.dlt"), ("pcap-source", "dlt-parser"))?;
    command.run()?.refused(1, &["trace.dlt", "pcap"])?;
    Ok(())
}

#[test]
fn other_ports_are_left_out_when_told_so() -> Result<()> {
    let dir = Dir::new()?;
    dir.write("capture.pcap", capture(&[b"one", b"two"]))?;
    for (port, loaded) in [("3490", 6), ("99", 0)] {
        let command = Command::export(dir.path("capture.pcap"), ("pcap-source", "native"))?
            .args(["--format", "none", "--set"]);
        let run = command.arg(format!("port={port}")).run()?.succeeded()?;
        assert_eq!(run.stats()?.loaded_bytes, loaded, "{port}");
    }
    Ok(())
}
