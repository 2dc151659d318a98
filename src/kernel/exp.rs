//! The exponential of the softmax, for loops over scores.
//!
//! `f32::exp` calls the platform's libm: slow, since a call cannot be vectorised, and not the same
//! bits everywhere. This one is plain IEEE arithmetic without branches, so the compiler vectorises
//! it and every platform computes the same bits.

/// e^x with a relative error below 1.2e-7 (1.01 units in the last place) where the result is a
/// normal number, and within half a unit more where it is subnormal.
///
/// Results too large are infinite, too small 0; NaN stays NaN.
#[inline]
pub fn exp(x: f32) -> f32 {
    /// 1.5 * 2^23: adding it rounds to an integer, which then stands in the low bits of the sum.
    const ROUND: f32 = 12_582_912.0;
    /// ln 2 in two parts, the first of so few bits that its product with n is exact.
    const LN_2_HIGH: f32 = 355.0 / 512.0;
    const LN_2_LOW: f32 = -2.121_944_4e-4;

    // Beyond these the result is infinite or rounds to 0. Written so that NaN passes.
    let x = if x > 89.0 { 89.0 } else { x };
    let x = if x < -104.0 { -104.0 } else { x };

    // x = n ln 2 + r with |r| <= ln 2 / 2.
    let shifted = x * std::f32::consts::LOG2_E + ROUND;
    let n = shifted - ROUND;
    let r = x - n * LN_2_HIGH - n * LN_2_LOW;

    // e^r = 1 + r + r^2 q(r), q the minimax polynomial of Cephes' expf.
    let q = 1.987_569_1e-4;
    let q = q * r + 1.398_199_9e-3;
    let q = q * r + 8.333_452e-3;
    let q = q * r + 4.166_579_6e-2;
    let q = q * r + 1.666_666_5e-1;
    let q = q * r + 0.5;
    let p = q * (r * r) + r + 1.0;

    // 2^n as two factors, since n reaches from -150 to 128 and a normal exponent does not. Only the
    // last product rounds.
    let n = shifted.to_bits().wrapping_sub(ROUND.to_bits()).cast_signed();
    let half = n >> 1;
    p * power_of_two(half) * power_of_two(n.wrapping_sub(half))
}

/// 2^n for n within -126..=127; any value otherwise, as NaN needs.
#[inline]
fn power_of_two(n: i32) -> f32 {
    f32::from_bits((n.wrapping_add(127) as u32) << 23)
}

#[cfg(test)]
mod tests {
    use super::exp;

    /// The distance from the exact result, in units in the last place of a normal result.
    fn error(x: f32) -> f64 {
        let exact = f64::from(x).exp();
        let unit = exact.log2().floor().exp2() * f64::from(f32::EPSILON);
        (f64::from(exp(x)) - exact).abs() / unit
    }

    #[test]
    fn is_within_a_unit_in_the_last_place() {
        let grid = (-8_700_000..=8_800_000).map(|i| i as f32 * 1e-5);
        let worst = grid.map(error).fold(0.0, f64::max);
        assert!(worst < 1.01, "{worst} units");
    }

    #[test]
    fn is_exact_at_zero_and_close_around_it() {
        assert_eq!(exp(0.0).to_bits(), 1.0_f32.to_bits());
        assert_eq!(exp(-0.0).to_bits(), 1.0_f32.to_bits());
        let mut x = 1.0_f32;
        while x > 1e-30 {
            assert!(error(x) < 1.01 && error(-x) < 1.01, "at {x}");
            x *= 0.97;
        }
    }

    #[test]
    fn subnormal_results_are_within_a_unit() {
        for x in (8_700..=10_400).map(|i| i as f32 * -0.01) {
            let difference = (f64::from(exp(x)) - f64::from(x).exp()).abs();
            assert!(difference < 1.01 * f64::from(f32::from_bits(1)), "at {x}");
        }
    }

    #[test]
    fn keeps_to_its_limits() {
        assert_eq!(exp(f32::NEG_INFINITY).to_bits(), 0);
        assert_eq!(exp(f32::MIN).to_bits(), 0);
        assert_eq!(exp(-104.0).to_bits(), 0);
        assert!(exp(-103.9) > 0.0);
        assert!(exp(88.72).is_finite());
        assert!(exp(88.73).is_infinite());
        assert!(exp(f32::MAX).is_infinite());
        assert!(exp(f32::INFINITY).is_infinite());
        assert!(exp(f32::NAN).is_nan());
        assert!(exp(-f32::NAN).is_nan());
    }

    // Made by this, in Python, where every operation is rounded to f32 by hand:
    //     import struct
    //     def r(x): return struct.unpack('f', struct.pack('f', x))[0]
    //     def bits(x): return struct.unpack('I', struct.pack('f', x))[0]
    //     C = [r(c) for c in (1.9875691e-4, 1.3981999e-3, 8.333452e-3, 4.1665796e-2, 1.6666665e-1, 0.5)]
    //     def exp(x):
    //         s = r(r(x * r(1.4426950408889634)) + 12582912.0)
    //         n = s - 12582912.0
    //         y = r(r(x - r(n * (355 / 512))) - r(n * r(-2.1219444e-4)))
    //         q = C[0]
    //         for c in C[1:]: q = r(r(q * y) + c)
    //         return r(r(r(q * r(y * y)) + y) + 1.0) * 2.0 ** n
    //     for x in (1.0, -1.0, -10.5, -87.25, 0.125, 50.0): print(x, hex(bits(exp(x))))
    #[test]
    fn gives_the_same_bits_everywhere() {
        let golden = [
            (1.0, 0x402d_f854),
            (-1.0, 0x3ebc_5ab2),
            (-10.5, 0x37e6_fe13),
            (-87.25, 0x008b_923c),
            (0.125, 0x3f91_0b02),
            (50.0, 0x638c_881f),
        ];
        for (x, bits) in golden {
            assert_eq!(exp(x).to_bits(), bits, "at {x}");
        }
    }
}
