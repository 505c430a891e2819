extension ExactMoments {
    /// The variance of the `count` values that were added, rounded once.
    ///
    /// Nil where there is none: of no value, or the sample variance of one. Infinite if no float is
    /// that large, NaN if a value was not finite.
    func variance(_ kind: Kind, count: Int, _ wides: borrowing WideSums) -> Double? {
        guard count > (kind == .sample ? 1 : 0) else { return nil }
        guard sum.isFinite else { return .nan }
        let number = UInt64(count)
        let (total, totalExponent, _) = sum.value(wides)
        let (squares, squaresExponent) = squaresValue(wides)
        let minuend = squares * Magnitude(UInt128(number))
        let subtrahend = total * total
        let exponent = min(squaresExponent, 2 * totalExponent)
        // Negative only if `count` is not the number of values.
        guard
            let numerator = minuend.shifted(by: squaresExponent - exponent)
                .subtracting(subtrahend.shifted(by: 2 * totalExponent - exponent))
        else { return .nan }
        if numerator.isZero { return 0 }
        // Wide enough for 64 significant bits after both divisions; a remainder of either means
        // that the quotient by the product is not whole.
        var quotient = numerator.shifted(by: 192)
        let first = quotient.divide(by: number)
        let second = quotient.divide(by: kind == .sample ? number - 1 : number)
        return quotient.rounded(
            exponent: exponent - 192, hasRemainder: first != 0 || second != 0, isNegative: false)
    }

    /// The square root of the variance.
    func standardDeviation(_ kind: Kind, count: Int, _ wides: borrowing WideSums) -> Double? {
        variance(kind, count: count, wides)?.squareRoot()
    }

    /// The mean, as `ExactSum` gives it.
    func average(count: Int, _ wides: borrowing WideSums) -> Double {
        sum.average(count: count, wides)
    }

    private func squaresValue(
        _ wides: borrowing WideSums
    ) -> (magnitude: Magnitude, exponent: Int) {
        guard var total = wideSquares(wides) else {
            return (Magnitude(limbs: squares), ExactMoments.exponent)
        }
        for (index, word) in squares.enumerated() {
            total.add(
                UInt128(word), exponent: ExactMoments.exponent + 64 * index, isNegative: false)
        }
        let (magnitude, exponent, _) = total.value
        return (magnitude, exponent)
    }
}
