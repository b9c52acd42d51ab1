using System.Runtime.InteropServices;
using Convoy.Torch.Amp;
using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace Convoy.Torch.Tests.Amp;

/// <summary>
/// The scale after planted overflows: in closed form, and against the very kernel that PyTorch's GradScaler calls,
/// <c>_amp_update_scale_</c> of the loaded libtorch.
/// </summary>
public sealed partial class GradScalerScheduleTests : IDisposable
{
    private readonly DisposeScope _scope = NewDisposeScope();

    public void Dispose() => _scope.Dispose();

    [Fact]
    public void Update_DefaultsAndPlantedOverflows_FollowTheClosedForm()
    {
        // 65536 halves at updates 1, 2 and 3; 2000 good ones double it; an overflow after 1999 good ones starts the count anew.
        var scaler = new GradScaler();
        var expected = new List<double> { 32768, 16384, 8192 };
        expected.AddRange(Enumerable.Repeat(8192.0, 1999));
        expected.Add(16384);
        expected.AddRange(Enumerable.Repeat(16384.0, 1999));
        expected.Add(8192);
        expected.AddRange(Enumerable.Repeat(8192.0, 1999));
        expected.Add(16384);
        bool[] overflows = [.. Enumerable.Range(0, expected.Count).Select(update => update is < 3 or 4002)];

        Assert.Equal(expected, Run(scaler, overflows));
    }

    [Theory]
    [InlineData(65536, 2, 0.5, 3)]
    [InlineData(1000.1, 1.37, 0.71, 2)]
    [InlineData(1e38, 2, 0.5, 1)] // grows to the end of float32, where it stays
    [InlineData(1e-44, 3, 0.9, 5)] // subnormal
    public void Update_AnyOverflows_GivesTheScaleOfLibtorchsKernel(double initScale, double growthFactor, double backoffFactor, int growthInterval)
    {
        var random = new Random(17);
        bool[] overflows = [.. Enumerable.Range(0, 200).Select(_ => random.NextDouble() < 0.15)];
        var scaler = new GradScaler(initScale, growthFactor, backoffFactor, growthInterval);

        double[] scales = Run(scaler, overflows);

        Assert.Equal(RunKernel(initScale, growthFactor, backoffFactor, growthInterval, overflows, out int tracker), scales);
        Assert.Equal(tracker, scaler.GrowthTracker);
        Assert.True(scales.Distinct().Count() > 2);
    }

    [Fact]
    public void Update_IntervalLoweredBelowTheTracker_WaitsForTheNextOverflowAsPyTorch()
    {
        var scaler = new GradScaler(8, 2, 0.5, 10);
        Run(scaler, new bool[5]);
        scaler.GrowthInterval = 3;
        Assert.Equal([8, 8, 8, 8, 4, 4, 4, 8], Run(scaler, [false, false, false, false, true, false, false, false]));
    }

    private static double[] Run(GradScaler scaler, bool[] overflows)
    {
        var weight = new Parameter(zeros(1));
        using SGD optimizer = optim.SGD([weight], 1);
        using Tensor good = ones(1), bad = full([1], float.NegativeInfinity);
        using Tensor loss = scaler.Scale(good);
        double[] scales = new double[overflows.Length];
        for (int update = 0; update < overflows.Length; update++)
        {
            using DisposeScope scope = NewDisposeScope();
            weight.grad = (overflows[update] ? bad : good).clone();
            Assert.Equal(!overflows[update], scaler.Step(optimizer));
            scaler.Update();
            scales[update] = scaler.GetScale();
        }

        return scales;
    }

    private static double[] RunKernel(double initScale, double growthFactor, double backoffFactor, int growthInterval, bool[] overflows, out int tracker)
    {
        using Tensor scale = tensor((float)initScale), count = tensor(0, ScalarType.Int32), good = tensor(0f), bad = tensor(1f);
        double[] scales = [.. overflows.Select(overflow =>
        {
            AmpUpdateScale(scale.Handle, count.Handle, (overflow ? bad : good).Handle, growthFactor, backoffFactor, growthInterval);
            return (double)scale.item<float>();
        })];
        tracker = count.item<int>();
        return scales;
    }

    // A handle of TorchSharp is a pointer to libtorch's tensor object, which the function takes by reference and returns.
    [LibraryImport("torch_cpu", EntryPoint = "_ZN2at4_ops18_amp_update_scale_4callERNS_6TensorES3_RKS2_ddl")]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories | DllImportSearchPath.AssemblyDirectory)]
    private static partial nint AmpUpdateScale(nint scale, nint growthTracker, nint foundInf, double growthFactor, double backoffFactor, long growthInterval);
}
