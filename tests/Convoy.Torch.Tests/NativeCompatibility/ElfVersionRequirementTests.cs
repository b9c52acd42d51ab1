using System.Text;
using Convoy.NativeCompatibility;

namespace Convoy.Torch.Tests.NativeCompatibility;

public sealed class ElfVersionRequirementTests
{
    private const string Version = "GLIBCXX_3.4.32";
    private const string Symbol = "_ZSt21ios_base_library_initv";

    [Fact]
    public void MakeWeak_RestoredLibrary_SetsOneFlagAndNothingElse()
    {
        byte[] before = File.ReadAllBytes(NativeLibraries.Restored());
        byte[] after = [.. before];

        Assert.Equal(ElfVersionOutcome.Changed, ElfVersionRequirement.MakeWeak(after, Version, Symbol));

        int flag = Assert.Single(Enumerable.Range(0, before.Length), i => before[i] != after[i]);
        Assert.Equal(0, before[flag]);
        Assert.Equal(2, after[flag]);
        Assert.Equal(Hash(Version), BitConverter.ToUInt32(after, flag - 4));
    }

    [Fact]
    public void MakeWeak_ChangedLibrary_LeavesIt()
    {
        byte[] once = File.ReadAllBytes(NativeLibraries.Restored());
        ElfVersionRequirement.MakeWeak(once, Version, Symbol);
        byte[] twice = [.. once];

        Assert.Equal(ElfVersionOutcome.AlreadyWeak, ElfVersionRequirement.MakeWeak(twice, Version, Symbol));
        Assert.True(once.AsSpan().SequenceEqual(twice));
    }

    [Fact]
    public void MakeWeak_LibraryInTheOutput_IsTheChangedOne()
    {
        byte[] library = File.ReadAllBytes(NativeLibraries.InOutput(NativeLibraries.LibTorchSharp));

        Assert.Equal(ElfVersionOutcome.AlreadyWeak, ElfVersionRequirement.MakeWeak(library, Version, Symbol));
    }

    [Fact]
    public void MakeWeak_OtherSymbolNeedsTheVersion_Refuses()
    {
        // GLIBCXX_3.4 carries hundreds of symbols: making it weak would break them.
        byte[] library = File.ReadAllBytes(NativeLibraries.Restored());
        byte[] before = [.. library];

        var refusal = Assert.Throws<InvalidDataException>(() => ElfVersionRequirement.MakeWeak(library, "GLIBCXX_3.4", Symbol));

        Assert.Contains("needs GLIBCXX_3.4 as well", refusal.Message, StringComparison.Ordinal);
        Assert.True(before.AsSpan().SequenceEqual(library));
    }

    [Fact]
    public void MakeWeak_VersionNotRequired_LeavesTheLibrary()
    {
        byte[] library = File.ReadAllBytes(NativeLibraries.Restored());
        byte[] before = [.. library];

        Assert.Equal(ElfVersionOutcome.NotRequired, ElfVersionRequirement.MakeWeak(library, "GLIBCXX_9.9", Symbol));
        Assert.True(before.AsSpan().SequenceEqual(library));
    }

    [Fact]
    public void MakeWeak_OtherLibraryOfThisMachine_IsNotConcerned()
    {
        byte[] library = File.ReadAllBytes(NativeLibraries.InOutput("runtimes/linux-x64/native/libSkiaSharp.so"));

        Assert.Equal(ElfVersionOutcome.NotRequired, ElfVersionRequirement.MakeWeak(library, Version, Symbol));
    }

    [Fact]
    public void MakeWeak_LibraryOfAnotherProcessor_Refuses()
    {
        byte[] library = File.ReadAllBytes(NativeLibraries.InOutput("runtimes/linux-arm64/native/libSkiaSharp.so"));

        var refusal = Assert.Throws<InvalidDataException>(() => ElfVersionRequirement.MakeWeak(library, Version, Symbol));

        Assert.Equal("not a 64-bit x86-64 ELF file", refusal.Message);
    }

    [Theory]
    [InlineData("")]
    [InlineData("\u007fELF")]
    [InlineData("INPUT(/usr/lib/libLibTorchSharp.so.1) /* a linker script, which is text that stands in for a library */")]
    public void MakeWeak_NoLibrary_Refuses(string text)
    {
        var refusal = Assert.Throws<InvalidDataException>(() => ElfVersionRequirement.MakeWeak(Encoding.Latin1.GetBytes(text), Version, Symbol));

        Assert.Equal("not an ELF file", refusal.Message);
    }

    [Fact]
    public void MakeWeak_CutAnywhere_RefusesAndChangesNothing()
    {
        byte[] whole = File.ReadAllBytes(NativeLibraries.Restored());
        var random = new Random(1);
        int[] lengths = [0, 1, 4, 63, 64, 65, whole.Length - 1, whole.Length - 64, .. Enumerable.Range(0, 300).Select(_ => random.Next(whole.Length))];
        foreach (int length in lengths)
        {
            byte[] cut = whole[..length];
            byte[] before = [.. cut];

            Assert.Throws<InvalidDataException>(() => ElfVersionRequirement.MakeWeak(cut, Version, Symbol));
            Assert.True(before.AsSpan().SequenceEqual(cut), $"changed at length {length}");
        }
    }

    [Fact]
    public void MakeWeak_BytesFlippedInItsTables_RefusesOrFinishes()
    {
        byte[] whole = File.ReadAllBytes(NativeLibraries.Restored());
        (int Start, int Length)[] tables = Tables(whole);
        var random = new Random(2);
        int refused = 0;
        for (int round = 0; round < 600; round++)
        {
            byte[] flipped = [.. whole];
            (int start, int length) = tables[round % tables.Length];
            for (int flips = random.Next(1, 4); flips > 0; flips--)
            {
                flipped[start + random.Next(length)] = (byte)random.Next(256);
            }

            byte[] before = [.. flipped];
            try
            {
                ElfVersionOutcome outcome = ElfVersionRequirement.MakeWeak(flipped, Version, Symbol);
                int changes = Enumerable.Range(0, 8).Sum(part => CountDifferences(before, flipped, part, 8));
                Assert.Equal(outcome == ElfVersionOutcome.Changed ? 1 : 0, changes);
            }
            catch (InvalidDataException)
            {
                refused++;
                Assert.True(before.AsSpan().SequenceEqual(flipped), $"refused and yet changed in round {round}");
            }
        }

        Assert.InRange(refused, 50, 599);
    }

    [Fact]
    public void MakeWeak_ListThatLeadsBack_Refuses()
    {
        byte[] library = File.ReadAllBytes(NativeLibraries.Restored());
        int needs = Tables(library)[2].Start;
        BitConverter.GetBytes(0xffff_fff0u).CopyTo(library, needs + 12);

        Assert.Throws<InvalidDataException>(() => ElfVersionRequirement.MakeWeak(library, "GLIBCXX_9.9", Symbol));
    }

    // The ELF header, the section table and the version requirements, by the fields that elf(5) gives.
    private static (int Start, int Length)[] Tables(byte[] file)
    {
        int table = (int)BitConverter.ToUInt64(file, 40);
        int count = BitConverter.ToUInt16(file, 60);
        int needs = Enumerable.Range(0, count).Select(i => table + (64 * i)).Single(at => BitConverter.ToUInt32(file, at + 4) == 0x6ffffffe);
        return
        [
            (0, 64),
            (table, 64 * count),
            ((int)BitConverter.ToUInt64(file, needs + 24), (int)BitConverter.ToUInt64(file, needs + 32)),
        ];
    }

    private static int CountDifferences(byte[] left, byte[] right, int part, int parts)
    {
        int start = left.Length / parts * part, end = part == parts - 1 ? left.Length : left.Length / parts * (part + 1);
        if (left.AsSpan(start, end - start).SequenceEqual(right.AsSpan(start, end - start)))
        {
            return 0;
        }

        return Enumerable.Range(start, end - start).Count(i => left[i] != right[i]);
    }

    // The System V ABI's hash of a name.
    private static uint Hash(string name)
    {
        uint hash = 0;
        foreach (char letter in name)
        {
            hash = (hash << 4) + letter;
            uint high = hash & 0xf0000000;
            hash ^= high >> 24;
            hash &= ~high;
        }

        return hash;
    }
}
