using System.Globalization;
using System.Runtime.Intrinsics.X86;
using System.Text;
using System.Runtime.Intrinsics.Arm;

namespace Convoy.Metrics;

/// <summary>What the system tells about the processor: from <c>/proc/cpuinfo</c>, or from CPUID where there is none.</summary>
internal sealed record CpuFacts
{
    private static readonly string[] Known =
        ["amx_bf16", "amx_int8", "amx_tile", "asimd", "avx2", "avx512_bf16", "avx512f", "bf16", "fma", "sve"];

    public string? Model { get; private init; }

    public int? PhysicalCores { get; private init; }

    public int? LogicalCores { get; private init; }

    public long? LastLevelCacheBytes { get; private init; }

    public IReadOnlyList<string> InstructionSets { get; private init; } = [];

    public static CpuFacts Read(SystemFiles files)
    {
        var pairs = files.Lines("proc/cpuinfo")
            .Select(line => line.Split(':', 2, StringSplitOptions.TrimEntries))
            .Where(pair => pair.Length == 2)
            .Select(pair => (Key: pair[0], Value: pair[1]))
            .ToArray();
        return new CpuFacts
        {
            Model = First("model name") ?? BrandFromCpuId(),
            LogicalCores = pairs.Count(p => p.Key == "processor") is > 0 and int count ? count : null,
            PhysicalCores = CountPhysical(pairs),
            InstructionSets = (First("flags") ?? First("Features")) is { } flags
                ? [.. Known.Intersect(flags.Split(' '))]
                : [.. FromIntrinsics().Order(StringComparer.Ordinal)],
            LastLevelCacheBytes = ProcessorCache.Read(files).Select(cache => (long?)cache.Bytes).Max(),
        };

        string? First(string key) => pairs.Where(p => p.Key == key).Select(p => p.Value).FirstOrDefault();
    }

    // A core is known by its socket and its number there; each processor entry names its socket first.
    private static int? CountPhysical((string Key, string Value)[] pairs)
    {
        var cores = new HashSet<(string Socket, string Core)>();
        string socket = "";
        foreach ((string key, string value) in pairs)
        {
            if (key == "physical id")
            {
                socket = value;
            }
            else if (key == "core id")
            {
                cores.Add((socket, value));
            }
        }

        return cores.Count > 0 ? cores.Count : null;
    }

    private static IEnumerable<string> FromIntrinsics()
    {
        if (AdvSimd.IsSupported)
        {
            yield return "asimd";
        }

        if (Avx2.IsSupported)
        {
            yield return "avx2";
        }

        if (Fma.IsSupported)
        {
            yield return "fma";
        }

        if (Avx512F.IsSupported)
        {
            yield return "avx512f";
        }

        if (!X86Base.IsSupported || X86Base.CpuId(0, 0).Eax < 7)
        {
            yield break;
        }

        // Intel's manual, volume 2A, CPUID leaf 7: EDX bits 22, 24, 25 of subleaf 0; EAX bit 5 of subleaf 1.
        int edx = X86Base.CpuId(7, 0).Edx;
        if ((edx & (1 << 22)) != 0)
        {
            yield return "amx_bf16";
        }

        if ((edx & (1 << 24)) != 0)
        {
            yield return "amx_tile";
        }

        if ((edx & (1 << 25)) != 0)
        {
            yield return "amx_int8";
        }

        if (Avx512F.IsSupported && (X86Base.CpuId(7, 1).Eax & (1 << 5)) != 0)
        {
            yield return "avx512_bf16";
        }
    }

    // CPUID leaves 0x80000002 to 0x80000004 hold the name, 16 bytes each, padded with zeros.
    private static string? BrandFromCpuId()
    {
        const int FirstLeaf = unchecked((int)0x80000002), LastLeaf = FirstLeaf + 2;
        if (!X86Base.IsSupported || (uint)X86Base.CpuId(unchecked((int)0x80000000), 0).Eax < unchecked((uint)LastLeaf))
        {
            return null;
        }

        var bytes = new List<byte>(48);
        for (int leaf = FirstLeaf; leaf <= LastLeaf; leaf++)
        {
            (int eax, int ebx, int ecx, int edx) = X86Base.CpuId(leaf, 0);
            foreach (int register in (int[])[eax, ebx, ecx, edx])
            {
                bytes.AddRange(BitConverter.GetBytes(register));
            }
        }

        string name = Encoding.ASCII.GetString([.. bytes]).Trim('\0', ' ');
        return name.Length > 0 ? name : null;
    }
}
