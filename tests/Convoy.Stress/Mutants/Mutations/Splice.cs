namespace Convoy.Stress.Mutants.Mutations;

/// <summary>Cuts and pastes bytes.</summary>
internal static class Splice
{
    /// <summary><paramref name="bytes"/> with what stands from <paramref name="start"/> to before <paramref name="end"/> replaced.</summary>
    public static byte[] Replace(byte[] bytes, int start, int end, ReadOnlySpan<byte> by) => [.. bytes.AsSpan(0, start), .. by, .. bytes.AsSpan(end)];

    /// <summary><paramref name="text"/> <paramref name="times"/> times.</summary>
    public static byte[] Repeat(ReadOnlySpan<byte> text, int times)
    {
        byte[] all = new byte[text.Length * times];
        for (int i = 0; i < times; i++)
        {
            text.CopyTo(all.AsSpan(i * text.Length));
        }

        return all;
    }
}
