using System.Runtime.Intrinsics.X86;
using static TorchSharp.torch;

namespace Convoy.Torch.Interop;

/// <summary>
/// oneDNN's product of small matrices (<c>at::native::cpublas::brgemm</c>), from which its convolutions are built as well: machine code made for the sizes and for the processor,
/// with AMX where there is AMX. Looked up once; where it cannot be called, there is none.
/// </summary>
/// <remarks>
/// A refusal would be a C++ exception, which ends the process. libtorch 2.10 refuses bfloat16 where oneDNN is switched off or uses less than AVX-512, so both are asked for before, and
/// no other version is called. float32 is refused nowhere.
/// </remarks>
internal sealed unsafe class BlockProductExports
{
    private const string Namespace = "_ZN2at6native7cpublas";

    // Leaf 7, subleaf 1, of CPUID.
    private const int BFloat16Bit = 1 << 5;

    private static readonly string[] LimitsWithBFloat16 = ["ALL", "DEFAULT", "AVX512_CORE_BF16", "AVX512_CORE_FP16", "AVX10_1_512", "AVX512_CORE_AMX", "AVX10_1_512_AMX", "AVX512_CORE_AMX_FP16", "AVX10_1_512_AMX_FP16"];
    private static readonly Lazy<BlockProductExports?> Found = new(() => VerifiedLibtorch.Find(() => (Avx2.X64.IsSupported ? new BlockProductExports() : null, (string?)null)).Made);

    private readonly delegate* unmanaged[Cdecl]<long, long, long, long, long, long, byte, float*, float*, float*, byte, void> _float32;
    private readonly delegate* unmanaged[Cdecl]<long, long, long, long, long, long, byte, ushort*, ushort*, float*, byte, void> _bfloat16;
    private readonly delegate* unmanaged[Cdecl]<byte, void> _release;

    private BlockProductExports()
    {
        var torch = new LibraryExports("torch_cpu");
        _float32 = (delegate* unmanaged[Cdecl]<long, long, long, long, long, long, byte, float*, float*, float*, byte, void>)torch[Namespace + "6brgemmEllllllbPKfS3_Pfb"];
        _bfloat16 = (delegate* unmanaged[Cdecl]<long, long, long, long, long, long, byte, ushort*, ushort*, float*, byte, void>)torch[Namespace + "6brgemmEllllllbPKN3c108BFloat16ES5_Pfb"];
        _release = (delegate* unmanaged[Cdecl]<byte, void>)torch[Namespace + "14brgemm_releaseEb"];
        var context = (delegate* unmanaged[Cdecl]<nint>)torch["_ZN2at13globalContextEv"];
        var isEnabled = (delegate* unmanaged[Cdecl]<nint, byte>)torch["_ZNK2at7Context17userEnabledMkldnnEv"];
        TakesBFloat16 = Avx512BW.IsSupported && (X86Base.CpuId(7, 1).Eax & BFloat16Bit) != 0 && MayUseBFloat16() && isEnabled(context()) != 0;
    }

    /// <summary>The functions; null where they cannot be called.</summary>
    public static BlockProductExports? Instance => Found.Value;

    /// <summary>Whether bfloat16 can be multiplied.</summary>
    public bool TakesBFloat16 { get; }

    /// <summary>result = left right, or result += left right, in float32.</summary>
    /// <param name="size">The matrices' sizes.</param>
    /// <param name="left">[Rows, Length].</param>
    /// <param name="right">[Length, Columns].</param>
    /// <param name="result">[Rows, Columns].</param>
    /// <param name="add">Whether to add to what is there.</param>
    public void Multiply(in BlockProduct size, float* left, float* right, float* result, bool add) =>
        _float32(size.Rows, size.Columns, size.Length, size.LeftRow, size.RightRow, size.ResultRow, add ? (byte)1 : (byte)0, left, right, result, 0);

    /// <summary>result = left right, or result += left right, of bfloat16, summed in float32. <see cref="Release"/> must follow before other code of this thread uses AMX.</summary>
    /// <param name="size">The matrices' sizes; the length is even.</param>
    /// <param name="left">[Rows, Length].</param>
    /// <param name="right">[Length / 2, Columns, 2].</param>
    /// <param name="result">[Rows, Columns].</param>
    /// <param name="add">Whether to add to what is there.</param>
    public void Multiply(in BlockProduct size, ushort* left, ushort* right, float* result, bool add) =>
        _bfloat16(size.Rows, size.Columns, size.Length, size.LeftRow, size.RightRow, size.ResultRow, add ? (byte)1 : (byte)0, left, right, result, 1);

    /// <summary>Gives back this thread's AMX tiles.</summary>
    public void Release() => _release(1);

    // The instruction sets that oneDNN is allowed by its environment variables. Names that are not known here may stand for less.
    private static bool MayUseBFloat16() => Array.TrueForAll(
        ["ONEDNN_MAX_CPU_ISA", "DNNL_MAX_CPU_ISA"],
        name => Environment.GetEnvironmentVariable(name) is not { Length: > 0 } limit || LimitsWithBFloat16.Contains(limit, StringComparer.OrdinalIgnoreCase));
}

/// <summary>The sizes of a product of matrices.</summary>
/// <param name="Rows">Of the left matrix and the result.</param>
/// <param name="Columns">Of the right matrix and the result.</param>
/// <param name="Length">Products in a sum.</param>
/// <param name="LeftRow">Numbers from a row of the left matrix to the next.</param>
/// <param name="RightRow">Numbers from a row of the right matrix to the next; a pair counts once.</param>
/// <param name="ResultRow">Numbers from a row of the result to the next.</param>
internal readonly record struct BlockProduct(int Rows, int Columns, int Length, int LeftRow, int RightRow, int ResultRow);
