//! The public files of towns' logs, in memory: what `hefu audit export` would write of them.

use std::collections::BTreeMap;
use std::io;

use hefu_audit::Files;
use hefu_domain::Region;
use hefu_log::tile::{TILE_WIDTH, encode_entries};
use hefu_log::{Checkpoint, NoteSigner, Origin, TileBuilder, TileKind, TilePath, leaf_hash};

use super::Town;

/// Files by their path.
#[derive(Default)]
pub(crate) struct Export {
    pub(crate) files: BTreeMap<String, Vec<u8>>,
    /// The keys that sign the logs, a line each.
    pub(crate) vkeys: String,
}

impl Export {
    pub(crate) fn of(towns: &[&Town]) -> Export {
        let mut export = Export::default();
        for town in towns {
            let region = &town.region;
            for (epoch, events) in town.stored.ended.iter().enumerate() {
                export.log(
                    region,
                    epoch as u64,
                    &format!("{region}/epoch/{epoch}/"),
                    events,
                );
            }
            let epoch = town.stored.ended.len() as u64;
            export.log(region, epoch, &format!("{region}/"), &town.stored.events);
        }
        export
    }

    fn log(&mut self, region: &Region, epoch: u64, folder: &str, events: &[Vec<u8>]) {
        let size = events.len() as u64;
        for (number, bundle) in (0..).zip(events.chunks(usize::from(TILE_WIDTH))) {
            let path = TilePath::in_log(TileKind::Entries, number, size).unwrap();
            let bundle = encode_entries(bundle).unwrap();
            self.files.insert(format!("{folder}{path}"), bundle);
        }
        let mut tiles = TileBuilder::new();
        let mut full = Vec::new();
        for bytes in events {
            tiles.push(leaf_hash(bytes), |tile| full.push(tile));
        }
        for tile in full.into_iter().chain(tiles.partial()) {
            self.files
                .insert(format!("{folder}{}", tile.path()), tile.to_bytes());
        }
        let origin = Origin::new("test.example/simulated", region.as_str(), epoch).unwrap();
        let signer = NoteSigner::new(&origin.to_string(), &[7; 32]).unwrap();
        let checkpoint = Checkpoint {
            origin,
            size,
            root: tiles.frontier().unwrap().root(),
        };
        self.vkeys.push_str(&format!("{}\n", signer.vkey()));
        let note = checkpoint.sign(&signer).unwrap().to_string();
        self.files
            .insert(format!("{folder}checkpoint"), note.into_bytes());
    }
}

impl Files for Export {
    fn read(&self, path: &str) -> io::Result<Option<Vec<u8>>> {
        Ok(self.files.get(path).cloned())
    }

    fn regions(&self) -> io::Result<Vec<Region>> {
        let codes = self.files.keys().filter_map(|path| path.split('/').next());
        let mut regions: Vec<Region> = codes.map(|code| code.parse().unwrap()).collect();
        regions.dedup();
        Ok(regions)
    }
}
