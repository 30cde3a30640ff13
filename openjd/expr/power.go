package expr

import (
	"errors"
	"math"
	"math/big"
)

// power raises an int to an int: exactly, unless the exponent is negative.
func power(m *machine, args []Value) (Value, error) {
	base, exponent := args[0].AsInt(), args[1].AsInt()
	if exponent < 0 {
		return powerFloat(m, args)
	}
	result := int64(1)
	for ; exponent > 0; exponent >>= 1 {
		var ok bool
		if exponent&1 != 0 {
			if result, ok = mulInt(result, base); !ok {
				return Value{}, errOverflow
			}
		}
		if exponent > 1 {
			if base, ok = mulInt(base, base); !ok {
				return Value{}, errOverflow
			}
		}
	}
	return Int(result), nil
}

// What a power costs, measured in cheap operations: multiplications, or more than a hundred roots.
const (
	wholePowerCost    = 32
	fractionPowerCost = 1000
)

func powerFloat(m *machine, args []Value) (Value, error) {
	a, b := args[0].AsFloat(), args[1].AsFloat()
	switch {
	case a == 0 && b < 0:
		return Value{}, errors.New("0 cannot be raised to a negative power")
	case a < 0 && b != math.Trunc(b):
		return Value{}, errors.New("a negative number cannot be raised to a fraction")
	}
	cost := int64(wholePowerCost)
	if b != math.Trunc(b) {
		cost = fractionPowerCost
	}
	if err := m.spend(cost); err != nil {
		return Value{}, err
	}
	return finite(pow(a, b))
}

// Enough bits that the roundings on the way do not reach the 53 of the result: of whole exponents, which have up to 63 bits, and of
// fractions.
const (
	wholePrecision    = 160
	fractionPrecision = 128
)

// pow is math.Pow, rounded correctly.
func pow(a, b float64) float64 {
	const beyond = 1200 // far out of the range of exponents, where the result is 0 or infinite
	if b == 0.5 {
		return math.Sqrt(a)
	}
	if a == 0 || math.Abs(a) == 1 || b == 0 || math.Abs(b*math.Log2(math.Abs(a))) > beyond {
		return math.Pow(a, b)
	}
	whole, fraction := math.Modf(math.Abs(b))
	result := wholePower(a, uint64(whole))
	if fraction > 0 {
		result.Mul(result, fractionPower(a, fraction))
	}
	if b < 0 {
		result.Quo(newFloat(1, wholePrecision), result)
	}
	f, _ := result.Float64()
	return f
}

func newFloat(f float64, precision uint) *big.Float {
	return new(big.Float).SetPrec(precision).SetFloat64(f)
}

func wholePower(a float64, n uint64) *big.Float {
	result, square := newFloat(1, wholePrecision), newFloat(a, wholePrecision)
	for ; n > 0; n >>= 1 {
		if n&1 != 0 {
			result.Mul(result, square)
		}
		square.Mul(square, square)
	}
	return result
}

// fractionPower multiplies the roots that the bits of the fraction name: 0.625 is the square root and the eighth root.
func fractionPower(a, fraction float64) *big.Float {
	const most = 128 // the roots beyond are 1 as far as a result can tell
	result, root := newFloat(1, fractionPrecision), newFloat(a, fractionPrecision)
	for i := 0; i < most && fraction > 0; i++ {
		root.Sqrt(root)
		if fraction *= 2; fraction >= 1 {
			fraction--
			result.Mul(result, root)
		}
	}
	return result
}
