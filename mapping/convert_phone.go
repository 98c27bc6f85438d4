package mapping

import (
	"errors"
	"fmt"
	"regexp"
	"strings"
)

// phoneConverter joins mobile numbers. DingTalk wants a mainland number as its bare 11 digits and any other as
// +country-number (创建用户); Odoo holds what people type. The canonical value is DingTalk's form. In what DingTalk returns the
// country may stand beside the number, in state_code (查询用户详情).
type phoneConverter struct{}

func newPhoneConverter(p pair) (Converter, string) {
	return phoneConverter{}, p.fits("phone_cn", odooTexts, []string{typeText, typeComponent})
}

func (phoneConverter) Name() string { return "phone_cn" }

func (phoneConverter) beside() []string { return []string{"state_code"} }

func (phoneConverter) Read(side Side, raw any, env Env) (Value, error) {
	text, ok := plainText(raw)
	if !ok {
		return UnknownValue, unexpected(raw, "a mobile number")
	}
	country := ""
	if side == DingTalk {
		country, _ = plainText(env.Record["state_code"])
	}
	number, err := parsePhone(text, strings.TrimPrefix(strings.TrimSpace(country), "+"))
	if err != nil {
		return UnknownValue, fmt.Errorf("%q is not a mobile number: %w", shorten(text, 40), err)
	}
	return Text(number), nil
}

// Write gives DingTalk the canonical form and Odoo the international one with a space: +852 51234567.
func (phoneConverter) Write(side Side, v Value, _ any, _ Env) (any, error) {
	number, err := parsePhone(v.Text, "")
	if err != nil {
		return nil, fmt.Errorf("%q is not a mobile number: %w", shorten(v.Text, 40), err)
	}
	if side == Odoo {
		return strings.Replace(number, "-", " ", 1), nil
	}
	return number, nil
}

var (
	mainlandMobile = regexp.MustCompile(`^1[3-9]\d{9}$`)
	// What people put between digits: spaces, dashes, dots, slashes and brackets, in all the widths that keyboards offer.
	phoneNoise = strings.NewReplacer(
		" ", "", "\u00a0", "", "\u2009", "", "\u202f", "", "\u3000", "", "\t", "", "\u200b", "", "\u200e", "", "\u202a", "", "\u202c", "", "\ufeff", "",
		"-", "", "‐", "", "‑", "", "‒", "", "–", "", "—", "", "－", "", ".", "", "·", "", "/", "",
		"(0)", "", "（0）", "", "(", "", ")", "", "（", "", "）", "",
		"＋", "+", "０", "0", "１", "1", "２", "2", "３", "3", "４", "4", "５", "5", "６", "6", "７", "7", "８", "8", "９", "9",
	)
)

// parsePhone brings a mobile number into canonical form: 11 digits for the mainland, else +country-number. country is what
// is known beside the text, "" if nothing.
func parsePhone(text, country string) (string, error) {
	digits := phoneNoise.Replace(text)
	rest, international := strings.CutPrefix(digits, "+")
	if !international {
		rest, international = strings.CutPrefix(digits, "00")
	}
	if !onlyDigits(rest) {
		return "", errors.New("it holds other characters than digits")
	}
	switch {
	case international:
		return splitCountry(rest)
	case country != "" && country != "86":
		if _, known := countryCodes[country]; !known {
			return "", fmt.Errorf("there is no country code %s", shorten(country, 10))
		}
		return splitCountry(country + strings.TrimPrefix(rest, "0"))
	case mainlandMobile.MatchString(rest):
		return rest, nil
	case strings.HasPrefix(rest, "86") && mainlandMobile.MatchString(rest[2:]):
		return rest[2:], nil
	}
	return "", errors.New("a mainland number has 11 digits and begins with 13 to 19; another needs its country code, as in +852 51234567")
}

// splitCountry finds the country code in an international number without its plus. No code is the beginning of another.
func splitCountry(digits string) (string, error) {
	for n := 1; n <= 3 && n < len(digits); n++ {
		code := digits[:n]
		lengths, known := countryCodes[code]
		if !known {
			continue
		}
		number := digits[n:]
		if code == "86" {
			if !mainlandMobile.MatchString(number) {
				return "", errors.New("a mainland number has 11 digits and begins with 13 to 19")
			}
			return number, nil
		}
		if len(number) < lengths.min || len(number) > lengths.max {
			return "", fmt.Errorf("a number of +%s has %s digits, this one %d", code, lengths, len(number))
		}
		return "+" + code + "-" + number, nil
	}
	return "", errors.New("it begins with no known country code")
}

func onlyDigits(s string) bool {
	for _, r := range s {
		if r < '0' || r > '9' {
			return false
		}
	}
	return s != ""
}
