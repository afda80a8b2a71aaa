//! A token as a QR code (ISO/IEC 18004): a grid of dark and light modules, drawn as SVG or PNG.
//!
//! A token has about 600 bytes, which level M takes in version 21 or so: about a hundred modules a side. M mends 15 percent, a fold or
//! a thumb's print; L would save ten modules and forgive half as much, which paper in a pocket does not. With the longest token that
//! is ever accepted M still fits, so there is one level and no other.

use anyhow::Context;
use qrcode::{Color, EcLevel, QrCode};

/// The light margin that a reader needs, in modules.
pub(super) const QUIET: usize = 4;
/// Pixels of a module in a PNG.
const PIXELS: usize = 8;
/// How wide a module is printed, in tenths of a millimetre: what a phone reads off paper from a hand's distance.
const TENTHS: usize = 6;

/// The modules of a code.
pub(super) struct Code {
    width: usize,
    dark: Vec<bool>,
}

impl Code {
    /// # Errors
    /// A text that no code takes.
    pub(super) fn of(text: &str) -> anyhow::Result<Code> {
        let code = QrCode::with_error_correction_level(text, EcLevel::M)
            .with_context(|| format!("a QR code does not take {} bytes", text.len()))?;
        Ok(Code {
            width: code.width(),
            dark: code
                .to_colors()
                .into_iter()
                .map(|color| color == Color::Dark)
                .collect(),
        })
    }

    /// Modules of a side, the quiet zone among them.
    pub(super) fn side(&self) -> usize {
        self.width + 2 * QUIET
    }

    /// The code by itself, with nothing beside it but the voucher's number as its title.
    pub(super) fn svg(&self, voucher: &str) -> String {
        let side = self.side();
        let tenths = side * TENTHS;
        let (mm, tenth) = (tenths / 10, tenths % 10);
        format!(
            "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n\
             <svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{mm}.{tenth}mm\" height=\"{mm}.{tenth}mm\" viewBox=\"0 0 {side} {side}\">\n\
             <title>{voucher}</title>\n{}</svg>\n",
            self.drawing()
        )
    }

    /// The modules on their light ground, a unit each, from the corner of the quiet zone.
    pub(super) fn drawing(&self) -> String {
        let side = self.side();
        let mut path = String::new();
        for (y, row) in self.dark.chunks(self.width).enumerate() {
            let mut x = 0;
            for run in row.chunk_by(|a, b| a == b) {
                if run[0] {
                    let (left, top, length) = (x + QUIET, y + QUIET, run.len());
                    path.push_str(&format!("M{left} {top}h{length}v1h-{length}z"));
                }
                x += run.len();
            }
        }
        format!(
            "<rect width=\"{side}\" height=\"{side}\" fill=\"#fff\"/>\n\
             <path d=\"{path}\" fill=\"#000\" shape-rendering=\"crispEdges\"/>\n"
        )
    }

    /// The code as a picture of two colours.
    pub(super) fn png(&self) -> anyhow::Result<Vec<u8>> {
        let pixels = self.side() * PIXELS;
        let line = pixels.div_ceil(8);
        let mut bits = vec![0xff; line * pixels];
        for (y, line) in bits.chunks_mut(line).enumerate() {
            for x in (0..pixels).filter(|x| self.is_dark(x / PIXELS, y / PIXELS)) {
                line[x / 8] &= !(0x80 >> (x % 8));
            }
        }
        let mut out = Vec::new();
        let side = u32::try_from(pixels)?;
        let mut encoder = png::Encoder::new(&mut out, side, side);
        encoder.set_color(png::ColorType::Grayscale);
        encoder.set_depth(png::BitDepth::One);
        encoder.write_header()?.write_image_data(&bits)?;
        Ok(out)
    }

    /// Whether a module is dark, the quiet zone counted.
    fn is_dark(&self, x: usize, y: usize) -> bool {
        let inside = |at: usize| at.checked_sub(QUIET).filter(|at| *at < self.width);
        inside(x)
            .zip(inside(y))
            .is_some_and(|(x, y)| self.dark[y * self.width + x])
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use hefu_token::MAX_TOKEN_BYTES;

    /// What a reader finds in a picture, of which only light and dark pixels are known.
    fn scanned(side: usize, dark: impl Fn(usize, usize) -> bool) -> String {
        let mut picture = rqrr::PreparedImage::prepare_from_greyscale(side, side, |x, y| {
            if dark(x, y) { 0 } else { 255 }
        });
        let grids = picture.detect_grids();
        assert_eq!(grids.len(), 1);
        grids[0].decode().unwrap().1
    }

    /// Of a typical token's length and letters.
    fn text(length: usize) -> String {
        let letters = b"eyJhbGciOiJFZERTQSIsImtpZCI6_-".iter().cycle();
        letters.take(length).map(|b| char::from(*b)).collect()
    }

    #[test]
    fn a_png_is_read_back_by_a_reader_of_another_house() {
        let text = text(620);
        let png = Code::of(&text).unwrap().png().unwrap();
        let decoder = png::Decoder::new(std::io::Cursor::new(png));
        let mut reader = decoder.read_info().unwrap();
        let mut bits = vec![0; reader.output_buffer_size().unwrap()];
        let frame = reader.next_frame(&mut bits).unwrap();
        let side = frame.width as usize;
        let dark = |x: usize, y: usize| bits[y * frame.line_size + x / 8] >> (7 - x % 8) & 1 == 0;
        assert_eq!(scanned(side, dark), text);
        let margin = QUIET * PIXELS;
        let edge = (0..side).flat_map(|a| (0..margin).map(move |b| (a, b)));
        let light = |(a, b): (usize, usize)| !dark(a, b) && !dark(b, a);
        assert!(edge.into_iter().all(light), "the quiet zone is not quiet");
    }

    #[test]
    fn the_longest_token_fits_and_no_more_is_promised() {
        assert!(Code::of(&text(MAX_TOKEN_BYTES)).is_ok());
        let error = Code::of(&text(4_000)).err().unwrap().to_string();
        assert!(error.contains("4000 bytes"), "{error}");
    }

    #[test]
    fn an_svg_draws_the_same_modules() {
        let code = Code::of(&text(620)).unwrap();
        let side = code.side();
        let svg = code.svg("0190a5e0-0000-7000-8000-000000000001");
        let path = svg.split(" d=\"").nth(1).unwrap();
        let path = path.split('"').next().unwrap();
        let mut dark = vec![false; side * side];
        for run in path.split('M').skip(1) {
            let numbers: Vec<usize> = run
                .split(|c: char| !c.is_ascii_digit())
                .filter_map(|n| n.parse().ok())
                .collect();
            let [x, y, length, ..] = numbers[..] else {
                panic!("{run}")
            };
            dark[y * side + x..][..length].fill(true);
        }
        let read = scanned(side * 4, |x, y| dark[y / 4 * side + x / 4]);
        assert_eq!(read, text(620));
    }
}
