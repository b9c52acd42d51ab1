namespace Convoy.Stress.Mutants.Mutations;

/// <summary>Makes mutants of a reader's files: each is given by the trial's seed and its number.</summary>
/// <param name="subject">The reader.</param>
internal sealed class Mutator(Subject subject)
{
    /// <summary>No mutant is longer, in bytes.</summary>
    public const int Longest = 20_000;

    private const int MostChanges = 4;

    private readonly byte[][] _sources = [.. subject.Originals(), .. subject.Refusals()];

    /// <summary>Makes a mutant.</summary>
    public byte[] Make(int seed, int number)
    {
        var chance = Chance.Of(seed, number);
        byte[] mutant = chance.Of(_sources);
        for (int changes = chance.Few(MostChanges); changes > 0; changes--)
        {
            mutant = Change(mutant, chance.Of(_sources), chance);
            if (mutant.Length > Longest)
            {
                mutant = mutant[..Longest];
            }
        }

        // A checksum that no longer fits would keep readers from what lies behind it; some mutants keep the wrong one.
        return chance.OneIn(3) ? mutant : subject.WithChecksums(mutant);
    }

    private byte[] Change(byte[] mutant, byte[] other, Chance chance) => (subject.Form, chance.Below(6)) switch
    {
        (FileForm.Json, > 0) => JsonMutation.Apply(mutant, other, subject.Tokens, chance),
        (FileForm.Text, > 1) => TextMutation.Apply(mutant, other, chance),
        (FileForm.JsonBehindLength, > 1) => JsonBehindLength(mutant, other, chance),
        _ => ByteMutation.Apply(mutant, other, chance),
    };

    // The header of a safetensors file: changed as JSON, with its length set right.
    private byte[] JsonBehindLength(byte[] mutant, byte[] other, Chance chance)
    {
        const int prefix = sizeof(long);
        if (Header(mutant) is not { } header || Header(other) is not { } another)
        {
            return ByteMutation.Apply(mutant, other, chance);
        }

        byte[] changed = JsonMutation.Apply(header, another, subject.Tokens, chance);
        return [.. BitConverter.GetBytes((long)changed.Length), .. changed, .. mutant.AsSpan(prefix + header.Length)];

        static byte[]? Header(byte[] file) =>
            file.Length > prefix && BitConverter.ToInt64(file) is var length && length > 0 && length <= file.Length - prefix ? file.AsSpan(prefix, (int)length).ToArray() : null;
    }
}
