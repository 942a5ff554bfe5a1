use super::*;

/// Blocks whose bytes follow a formula, with plain numbers as half-precision scales.
fn blocks(kind: Quant) -> Vec<u8> {
    let (len, size) = (kind.block_len(), kind.block_bytes());
    let scales: &[usize] = match kind {
        Quant::Q4_0 | Quant::Q5_0 | Quant::Q8_0 => &[0],
        Quant::Q6_K => &[208],
        Quant::F32 | Quant::F16 | Quant::BF16 => &[],
        _ => &[0, 2],
    };
    let count = if len == 1 { 6 } else { 2 };
    let mut bytes: Vec<u8> =
        (0..count * size).map(|i| u8::try_from(((i * 37 + 11) ^ (i >> 3)) % 256).unwrap()).collect();
    for (k, block) in bytes.chunks_exact_mut(size).enumerate() {
        for (j, &at) in scales.iter().enumerate() {
            let scale = f16::from_f32(0.25 * (k as f32 + 1.0) + 0.125 * j as f32);
            block[at..at + 2].copy_from_slice(&scale.to_le_bytes());
        }
        if len == 1 {
            block[1] = 0x3c + u8::try_from(k).unwrap();
        }
    }
    bytes
}

/// Places and numbers there, and the sum of all numbers weighted by (place % 7 + 1), as ggml's Python package gives
/// them for the same bytes.
#[test]
fn every_layout_reads_as_in_ggml() {
    let halves: &[usize] = &[0, 1, 2, 3, 4, 5];
    let small: &[usize] = &[0, 1, 17, 31, 32, 40, 63];
    let large: &[usize] = &[0, 33, 100, 130, 200, 255, 256, 511];
    let cases: &[(Quant, &[usize], &[f32], f64)] = &[
        (
            Quant::F16,
            halves,
            &[1.010_742_2, 1.333_007_8, 1.655_273_4, 1.977_539_1, 2.097_656_3, 2.742_187_5],
            43.494_140_625,
        ),
        (
            Quant::BF16,
            halves,
            &[0.008_483_887, 0.052_001_953, 0.310_546_88, 1.820_312_5, 2.781_25, 15.75],
            116.731_628_417_968_75,
        ),
        (Quant::Q4_0, small, &[-0.75, 0.5, -0.25, 0.0, 2.5, -2.0, -3.5], 105.25),
        (Quant::Q4_1, small, &[4.125, 1.375, 3.375, 3.375, 0.625, 8.125, 5.625], 852.875),
        (Quant::Q5_0, small, &[2.25, -0.5, 0.0, 0.25, -6.0, 5.5, 2.0], 26.25),
        (Quant::Q5_1, small, &[4.875, 6.625, 1.625, 1.625, 8.125, 11.625, 15.125], 1461.125),
        (Quant::Q8_0, small, &[21.25, 30.5, -14.0, -11.0, 29.5, 49.0, -39.0], 235.25),
        (Quant::Q4_K, large, &[51.0, -1.375, 14.875, 138.0, 137.625, 4.375, 447.5, 254.375], 163_340.75),
        (Quant::Q5_K, large, &[206.0, 8.625, 49.875, 100.0, -6.375, 21.875, 255.0, 112.125], 246_939.25),
        (Quant::Q6_K, large, &[-303.75, -91.0, 572.75, 16.5, 612.5, -25.5, 356.5, -900.0], 21_506.75),
    ];
    for (kind, places, expected, sum) in cases {
        let numbers = kind.dequantize(&blocks(*kind));
        let found: Vec<f32> = places.iter().map(|&place| numbers[place]).collect();
        assert_eq!(&found, expected, "{kind:?}");
        let weighted =
            numbers.iter().enumerate().map(|(i, &x)| (i % 7 + 1) as f64 * f64::from(x)).sum::<f64>();
        assert_eq!(weighted.to_bits(), sum.to_bits(), "{kind:?}: {weighted}");
    }
}

#[test]
fn full_precision_is_kept() {
    let numbers = [0.1_f32, -3.25e-20, f32::MAX];
    let bytes: Vec<u8> = numbers.iter().flat_map(|x| x.to_le_bytes()).collect();
    assert_eq!(Quant::F32.dequantize(&bytes), numbers);
}

#[test]
fn numbers_of_kinds_are_distinct_and_found() {
    for &kind in Quant::ALL {
        assert_eq!(Quant::from_id(kind.id()), Some(kind));
    }
    assert_eq!(Quant::from_id(10), None);
}
