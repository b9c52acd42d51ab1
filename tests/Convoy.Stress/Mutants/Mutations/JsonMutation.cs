using System.Text;
using System.Text.Json;

namespace Convoy.Stress.Mutants.Mutations;

/// <summary>Changes that leave the text JSON, mostly: other values, other kinds of values, members that are absent, twice or renamed, deep nesting, long texts.</summary>
internal static class JsonMutation
{
    /// <summary>Changes <paramref name="text"/> in one way.</summary>
    /// <param name="text">JSON, or a JSON value a line.</param>
    /// <param name="other">Another file of the same kind, to take values from.</param>
    /// <param name="tokens">Values of this kind of file that are worth a try, as they stand in JSON.</param>
    /// <param name="chance">Decides.</param>
    public static byte[] Apply(byte[] text, byte[] other, IReadOnlyList<string> tokens, Chance chance)
    {
        List<JsonSpan> spans = JsonSpan.All(text);
        if (spans.Count == 0)
        {
            return ByteMutation.Apply(text, other, chance);
        }

        JsonSpan span = chance.Of(spans);
        ReadOnlySpan<byte> whole = text.AsSpan(span.Start, span.End - span.Start), value = text.AsSpan(span.Value, span.End - span.Value);
        switch (chance.Below(16))
        {
            case 0 or 1 or 2 or 3:
                return Put(Token(tokens, chance));
            case 4:
                return Put(OfKind(span.Kind, text, value, chance));
            case 5:
                return Put(Value(chance.OneIn(2) ? text : other, chance));
            case 6:
                JsonSpan second = chance.Of(spans);
                return second.Start >= span.End || second.End <= span.Start ? Swap(text, span, second) : Put(Value(other, chance));
            case 7 or 8:
                return Remove(text, span);
            case 9:
                return Splice.Replace(text, span.Start, span.Start, [.. whole, (byte)',']);
            case 10 when span.HasName:
                return Splice.Replace(text, span.End, span.End, [(byte)',', .. text.AsSpan(span.Start, span.Value - span.Start), .. Token(tokens, chance)]);
            case 11 when span.HasName:
                return Splice.Replace(text, span.Start, NameEnd(text, span), Encoding.UTF8.GetBytes(chance.Of(Tokens.Names)));
            case 12:
                int depth = chance.Of([1, 2, 30, 63, 64, 65, 500, 4000]);
                return chance.OneIn(2)
                    ? Put([.. Splice.Repeat("["u8, depth), .. value, .. Splice.Repeat("]"u8, depth)])
                    : Put([.. Splice.Repeat("{\"a\":"u8, depth), .. value, .. Splice.Repeat("}"u8, depth)]);
            case 13 when !span.HasName:
                return Splice.Replace(text, span.Start, span.Start, Splice.Repeat([.. whole, (byte)','], chance.Between(2, 500)));
            case 14:
                return Put([(byte)'"', .. Splice.Repeat("a"u8, chance.Between(200, 18_000)), (byte)'"']);
            default:
                return Put([.. "9"u8, .. Splice.Repeat("9"u8, chance.Between(20, 2000)), .. chance.OneIn(2) ? ".5"u8 : ""u8]);
        }

        byte[] Put(ReadOnlySpan<byte> by) => Splice.Replace(text, span.Value, span.End, by);
    }

    private static byte[] Token(IReadOnlyList<string> tokens, Chance chance) =>
        Encoding.UTF8.GetBytes(tokens.Count > 0 && chance.OneIn(3) ? chance.Of(tokens) : chance.Of(Tokens.Json));

    private static ReadOnlySpan<byte> Value(byte[] text, Chance chance)
    {
        List<JsonSpan> spans = JsonSpan.All(text);
        if (spans.Count == 0)
        {
            return "null"u8;
        }

        JsonSpan span = chance.Of(spans);
        return text.AsSpan(span.Value, span.End - span.Value);
    }

    // A near miss of the same kind, or the same in another kind.
    private static byte[] OfKind(JsonTokenType kind, byte[] text, ReadOnlySpan<byte> value, Chance chance) => kind switch
    {
        JsonTokenType.Number => chance.Below(6) switch
        {
            0 => [(byte)'"', .. value, (byte)'"'],
            1 => value[0] == '-' ? value[1..].ToArray() : [(byte)'-', .. value],
            2 => [.. value, .. "e300"u8],
            3 => [.. value, .. "e-300"u8],
            4 => [.. value, .. value.Contains((byte)'.') ? "5"u8 : ".5"u8],
            _ => [.. value, .. "0000000"u8],
        },
        JsonTokenType.String => chance.Below(5) switch
        {
            0 => [.. value[..^1], .. "\\ud800\""u8],
            1 => [.. value[..^1], .. "\\u0000\""u8],
            2 => [.. value[..^1], .. "\\n\""u8],
            3 => [(byte)'"', (byte)'/', .. value[1..]],
            _ => value[1..^1].ToArray(),
        },
        JsonTokenType.StartArray => [(byte)'{', .. "\"a\":"u8, .. value, (byte)'}'],
        JsonTokenType.StartObject => [(byte)'[', .. value, (byte)']'],
        _ => Value(text, chance).ToArray(),
    };

    private static byte[] Swap(byte[] text, JsonSpan one, JsonSpan two)
    {
        (JsonSpan first, JsonSpan last) = one.Start < two.Start ? (one, two) : (two, one);
        return
        [
            .. text.AsSpan(0, first.Value),
            .. text.AsSpan(last.Value, last.End - last.Value),
            .. text.AsSpan(first.End, last.Value - first.End),
            .. text.AsSpan(first.Value, first.End - first.Value),
            .. text.AsSpan(last.End),
        ];
    }

    // With its comma, so that the rest stays JSON.
    private static byte[] Remove(byte[] text, JsonSpan span)
    {
        int end = span.End;
        while (end < text.Length && text[end] is (byte)' ' or (byte)'\n')
        {
            end++;
        }

        if (end < text.Length && text[end] == ',')
        {
            return Splice.Replace(text, span.Start, end + 1, []);
        }

        int start = span.Start;
        while (start > 0 && text[start - 1] is (byte)' ' or (byte)'\n')
        {
            start--;
        }

        return Splice.Replace(text, start > 0 && text[start - 1] == ',' ? start - 1 : span.Start, span.End, []);
    }

    private static int NameEnd(byte[] text, JsonSpan span)
    {
        int end = span.Value;
        while (text[end - 1] != '"')
        {
            end--;
        }

        return end;
    }
}
