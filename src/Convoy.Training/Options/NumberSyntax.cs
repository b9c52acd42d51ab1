using System.Buffers;
using System.Globalization;
using System.Numerics;

namespace Convoy.Training.Options;

/// <summary>
/// How numbers are written on the command line: digits and a point, wherever in the world. A comma is refused, because it
/// is a decimal sign to some and to others nothing, and a training run with a learning rate of 5 for 0.0005 looks like any other.
/// </summary>
public static class NumberSyntax
{
    private static readonly SearchValues<char> Separators = SearchValues.Create(",._'’ \u00a0\u2009\u202f");

    /// <summary>Reads a finite number.</summary>
    public static bool TryRead<T>(string text, out T number)
        where T : struct, INumber<T> =>
        T.TryParse(text, IsWhole(typeof(T)) ? NumberStyles.Integer : NumberStyles.Float, CultureInfo.InvariantCulture, out number) && T.IsFinite(number);

    /// <summary>Why an option's value is no number, and what to write: <c>(not a number, Write a point: --lr 0.5)</c>. Null when it is one, or need not be.</summary>
    /// <param name="type">The option's type.</param>
    /// <param name="name">The option's name.</param>
    /// <param name="text">The value.</param>
    public static (string What, string Remedy)? Fault(Type type, string name, string text)
    {
        if (Plain(type) is not { } plain || !(IsWhole(plain) || IsDecimal(plain)) || Reads(plain, text))
        {
            return null;
        }

        string kind = IsWhole(plain) ? "a whole number" : "a number";
        string remedy = $"Write {kind} after {name}";
        if (double.TryParse(text, NumberStyles.Float, CultureInfo.InvariantCulture, out double number) && !double.IsFinite(number))
        {
            return ("not a finite number", remedy);
        }

        if (IsWhole(plain))
        {
            return BigInteger.TryParse(text, NumberStyles.Integer, CultureInfo.InvariantCulture, out BigInteger whole)
                ? whole.Sign > 0
                    ? ("the number is too large", $"Give at most {Largest(plain)}")
                    : ("the number is too small", $"Give at least -{Largest(plain)}")
                : ($"not {kind}", WithoutSeparators(text) is { } bare && IsGrouped(text) ? $"Write it without separators: {name} {bare}" : remedy);
        }

        return ($"not {kind}", (WithPoint(text), WithoutSeparators(text)) switch
        {
            ({ } point, { } bare) when IsGrouped(text) && !text.Contains('.') => $"Write a point for decimals and no separators: {name} {point} or {name} {bare}",
            ({ } point, _) => $"Write a point: {name} {point}",
            (null, { } bare) => $"Write it without separators: {name} {bare}",
            _ => remedy,
        });
    }

    private static bool Reads(Type type, string text) => type == typeof(int) ? TryRead<int>(text, out _)
        : type == typeof(long) ? TryRead<long>(text, out _)
        : TryRead<double>(text, out _);

    private static bool IsWhole(Type type) => type == typeof(int) || type == typeof(long);

    private static bool IsDecimal(Type type) => type == typeof(double);

    private static Type Plain(Type type) => Nullable.GetUnderlyingType(type) ?? type;

    private static string Largest(Type type) => (type == typeof(int) ? int.MaxValue : long.MaxValue).ToString(CultureInfo.InvariantCulture);

    // 0,5 and 1.000,5: the last sign is a comma, the only one, and what stands before it are groups of three if there are signs at all.
    private static string? WithPoint(string text)
    {
        int comma = text.IndexOf(',');
        if (comma < 0 || comma != text.LastIndexOf(',') || text.LastIndexOf('.') > comma)
        {
            return null;
        }

        string whole = text[..comma];
        bool grouped = whole.AsSpan().IndexOfAny(Separators) >= 0;
        return grouped && !IsGrouped(whole) ? null : Readable($"{Bare(whole)}.{text[(comma + 1)..]}");
    }

    private static string? WithoutSeparators(string text)
    {
        int point = text.LastIndexOf('.');
        bool decimals = point >= 0 && text.AsSpan(0, point).IndexOfAny(Separators) >= 0 && text[..point].IndexOf('.') < 0;
        string whole = decimals ? text[..point] : text;
        return IsGrouped(whole) ? Readable(Bare(whole) + (decimals ? text[point..] : string.Empty)) : null;
    }

    // 1,000 or 1'000'000 and the like: one sort of sign, groups of three, no leading zero.
    private static bool IsGrouped(string text)
    {
        string digits = text.TrimStart('+', '-');
        int first = digits.AsSpan().IndexOfAny(Separators);
        string[] groups = first < 0 ? [] : digits.Split(digits[first]);
        return groups.Length > 1 && groups[0].Length is >= 1 and <= 3 && groups[0][0] != '0'
            && groups[1..].All(group => group.Length == 3) && groups.All(group => group.All(char.IsAsciiDigit));
    }

    private static string Bare(string text) => string.Concat(text.Where(c => !Separators.Contains(c)));

    private static string? Readable(string text) => TryRead<double>(text, out _) ? text : null;
}
