
namespace Convoy.Training.Studies;

/// <summary>What a study does where its user says nothing.</summary>
public static class StudyDefaults
{
    /// <summary>The least batch: the study's.</summary>
    public const int LeastBatch = 8;

    // What makes bf16 faster than fp32 on a processor; elsewhere it is emulated.
    private static readonly string[] Bf16Instructions = ["avx512_bf16", "amx_bf16", "bf16"];

    /// <summary>1, 2, 4, ... up to <paramref name="cores"/>, and the cores themselves.</summary>
    /// <param name="cores">At least 1.</param>
    public static IReadOnlyList<int> Processes(int cores)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(cores, 1);
        var counts = new List<int>();
        for (long count = 1; count < cores; count *= 2)
        {
            counts.Add((int)count);
        }

        counts.Add(cores);
        return counts;
    }

    /// <summary>fp32, and bf16 where the processor computes in it.</summary>
    /// <param name="instructionSets">The processor's, as <c>HostInfo.InstructionSets</c> has them.</param>
    public static IReadOnlyList<Precision> Precisions(IEnumerable<string> instructionSets) =>
        instructionSets.Any(Bf16Instructions.Contains) ? [Precision.Fp32, Precision.Bf16] : [Precision.Fp32];

    /// <summary>The smallest number, from <paramref name="least"/> up, that every one of <paramref name="processes"/> divides.</summary>
    /// <param name="processes">At least one number, each at least 1.</param>
    /// <param name="least">The batch of one process; at least 1. Default <see cref="LeastBatch"/>.</param>
    /// <exception cref="BadInputException">There is none below 2^31.</exception>
    public static int Batch(IEnumerable<int> processes, int least = LeastBatch)
    {
        int[] counts = [.. processes];
        long multiple = 1;
        foreach (int count in counts)
        {
            multiple = multiple / Divisor(multiple, count) * count;
            if (multiple > int.MaxValue)
            {
                throw new BadInputException("no global batch can be shared out among all of these process counts", string.Join(',', counts), "Give fewer --processes, or --weak.");
            }
        }

        return checked((int)((least + multiple - 1) / multiple * multiple));
    }

    private static long Divisor(long a, long b) => b == 0 ? a : Divisor(b, a % b);
}
