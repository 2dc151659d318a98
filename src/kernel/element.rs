//! What X is made of, for tiles that load either kind.

/// A number of X as memory holds it: `u8` or `f32`.
///
/// Both functions give the numbers as what they are. The compiler knows the answer for each type, so a match on it
/// costs nothing.
pub trait Element: Copy + Default + Into<f32> {
    /// Of so many numbers.
    fn array<const N: usize>(values: &[Self; N]) -> Kind<&[u8; N], &[f32; N]>;
    /// Of any.
    fn slice(values: &[Self]) -> Kind<&[u8], &[f32]>;
}

/// Numbers of either kind.
pub enum Kind<B, F> {
    /// To be widened.
    Bytes(B),
    /// As sums take them.
    Floats(F),
}

impl Element for u8 {
    #[inline]
    fn array<const N: usize>(values: &[Self; N]) -> Kind<&[u8; N], &[f32; N]> {
        Kind::Bytes(values)
    }
    #[inline]
    fn slice(values: &[Self]) -> Kind<&[u8], &[f32]> {
        Kind::Bytes(values)
    }
}

impl Element for f32 {
    #[inline]
    fn array<const N: usize>(values: &[Self; N]) -> Kind<&[u8; N], &[f32; N]> {
        Kind::Floats(values)
    }
    #[inline]
    fn slice(values: &[Self]) -> Kind<&[u8], &[f32]> {
        Kind::Floats(values)
    }
}
