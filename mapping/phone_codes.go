package mapping

import (
	"fmt"
	"strconv"
	"strings"
)

// lengthRange is how many digits the national numbers of a country have.
type lengthRange struct{ min, max int }

func (l lengthRange) String() string {
	if l.min == l.max {
		return strconv.Itoa(l.min)
	}
	return fmt.Sprintf("%d to %d", l.min, l.max)
}

// countryCodes are the country calling codes of ITU-T E.164 with the lengths of their mobile numbers; generous where a
// country knows several lengths. A whole number has at most 15 digits.
var countryCodes = parseCodes(`
1:10 7:10 20:10 27:9 30:10 31:9 32:8-9 33:9 34:9 36:8-9 39:8-11 40:9 41:9 43:7-13 44:9-10 45:8 46:7-9 47:8 48:9 49:7-11
51:9 52:10-11 53:8 54:10-11 55:10-11 56:9 57:10 58:10 60:7-10 61:9 62:8-12 63:10 64:8-10 65:8 66:9 81:9-10 82:8-10
84:9-10 86:11 90:10 91:10 92:10 93:9 94:9 95:7-10 98:10
211:9 212:9 213:9 216:8 218:9 220:7 221:9 222:8 223:8 224:9 225:8-10 226:8 227:8 228:8 229:8-10 230:7-8 231:7-9 232:8
233:9 234:8-10 235:8 236:8 237:9 238:7 239:7 240:9 241:7-8 242:9 243:9 244:9 245:7-9 246:7 247:4-6 248:7 249:9 250:9
251:9 252:7-9 253:8 254:9 255:9 256:9 257:8 258:9 260:9 261:9 262:9 263:9 264:8-9 265:9 266:8 267:8 268:8 269:7 290:4-5
291:7 297:7 298:6 299:6 350:8 351:9 352:6-11 353:9 354:7-9 355:9 356:8 357:8 358:5-12 359:8-9 370:8 371:8 372:7-8 373:8
374:8 375:9 376:6-9 377:8-9 378:6-10 380:9 381:8-10 382:8-9 383:8-9 385:8-9 386:8 387:8-9 389:8 420:9 421:9 423:7-9
500:5 501:7 502:8 503:8 504:8 505:8 506:8 507:7-8 508:6 509:8 590:9 591:8 592:7 593:9 594:9 595:9 596:9 597:6-7 598:8
599:7-8 670:7-8 672:6 673:7 674:7 675:7-8 676:5-7 677:5-7 678:5-7 679:7 680:7 681:6 682:5 683:4-7 685:5-7 686:5-8 687:6
688:5-7 689:6-8 690:4-7 691:7 692:7 850:8-12 852:8 853:8 855:8-9 856:8-10 870:9-12 878:12 880:8-10 881:8-11 882:7-12
883:7-12 886:9 960:7 961:7-8 962:9 963:9 964:10 965:8 966:9 967:9 968:8 970:9 971:9 972:9 973:8 974:8 975:8 976:8 977:10
992:9 993:8 994:9 995:9 996:9 998:9
`)

func parseCodes(rows string) map[string]lengthRange {
	codes := map[string]lengthRange{}
	for _, row := range strings.Fields(rows) {
		code, lengths, _ := strings.Cut(row, ":")
		low, high, ranged := strings.Cut(lengths, "-")
		if !ranged {
			high = low
		}
		l := lengthRange{min: number10(low), max: number10(high)}
		codes[code] = l
	}
	return codes
}

// number10 reads the decimal digits of the table above.
func number10(digits string) int {
	n := 0
	for _, d := range digits {
		n = n*10 + int(d-'0')
	}
	return n
}
