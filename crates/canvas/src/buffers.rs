//! Memory for pictures, used again: to get megabytes from the system and zero them for each
//! picture costs a twentieth of a run's processor time.

use image::DynamicImage;

/// How many bytes are kept at most.
const MOST_BYTES: usize = 48 << 20;

/// The buffers of one piece of picture work at a time.
#[derive(Debug, Default)]
pub struct Buffers {
    free: Vec<Vec<u8>>,
}

impl Buffers {
    /// A buffer of `length` bytes, which may be any.
    #[must_use]
    pub fn take(&mut self, length: usize) -> Vec<u8> {
        let large_enough = self.free.iter().enumerate();
        let smallest = large_enough
            .filter(|(_, buffer)| buffer.capacity() >= length)
            .min_by_key(|(_, buffer)| buffer.capacity());
        match smallest.map(|(index, _)| index) {
            None => vec![0; length],
            Some(index) => {
                let mut buffer = self.free.swap_remove(index);
                buffer.resize(length, 0);
                buffer
            }
        }
    }

    /// Takes a buffer back that is no longer needed.
    pub fn give_back(&mut self, buffer: Vec<u8>) {
        self.free.push(buffer);
        while self.free.iter().map(Vec::capacity).sum::<usize>() > MOST_BYTES {
            self.free.remove(0);
        }
    }

    /// Takes back the buffer of a picture that is no longer needed.
    pub fn give_back_picture(&mut self, picture: DynamicImage) {
        if let DynamicImage::ImageRgb8(picture) = picture {
            self.give_back(picture.into_raw());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_buffer_that_was_given_back_is_used_again() {
        let mut buffers = Buffers::default();
        let (small, large) = (buffers.take(10), buffers.take(100));
        let place = large.as_ptr();
        buffers.give_back(small);
        buffers.give_back(large);
        let again = buffers.take(50);
        assert_eq!((again.as_ptr(), again.len()), (place, 50));
        assert_eq!(buffers.take(60).len(), 60);
    }

    #[test]
    fn no_more_than_a_few_pictures_are_kept() {
        let mut buffers = Buffers::default();
        for _ in 0..10 {
            buffers.give_back(Vec::with_capacity(MOST_BYTES / 4));
        }
        assert_eq!(buffers.free.len(), 4);
        buffers.give_back(Vec::with_capacity(2 * MOST_BYTES));
        assert!(buffers.free.is_empty());
    }
}
