using BenchmarkDotNet.Attributes;
using Convoy.Distributed.Optim;
using Convoy.Lanes.Models;
using Convoy.Torch.Amp;
using Convoy.Torch.Optim;
using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;
using AdamW = TorchSharp.Modules.AdamW;

namespace Convoy.Benchmarks;

/// <summary>An update of the lane detector's parameters: unscaling, clipping, AdamW, zeroing the gradients, one thread.</summary>
public class AdamWBenchmarks
{
    private LaneDetectionModel _model = null!;
    private Parameter[] _parameters = [];
    private AdamW _plain = null!;
    private FusedAdamW _fused = null!;
    private FusedAdamW _alone = null!;
    private GradScaler _scaler = null!;

    /// <summary>Makes the model, gradients from a fixed seed, and the optimizers.</summary>
    [GlobalSetup]
    public void Fill()
    {
        random.manual_seed(0);
        _model = new LaneDetectionModel(EncoderDepth.ResNet18);
        _parameters = [.. _model.parameters()];
        foreach (Parameter parameter in _parameters)
        {
            parameter.grad = randn_like(parameter);
        }

        _plain = optim.AdamW(_parameters, 1e-3, weight_decay: 1e-4);
        _fused = new FusedAdamW(_parameters, 1e-3, weight_decay: 1e-4) { MaxNorm = 0.5, ZeroGradients = true };
        _alone = new FusedAdamW(_parameters, 1e-3, weight_decay: 1e-4);
        _scaler = new GradScaler(1024);
        using Tensor loss = zeros(1), scaled = _scaler.Scale(loss);
    }

    /// <summary>Frees them.</summary>
    [GlobalCleanup]
    public void Free()
    {
        _plain.Dispose();
        _fused.Dispose();
        _alone.Dispose();
        _model.Dispose();
    }

    /// <summary>With TorchSharp's optimizer.</summary>
    [Benchmark(Baseline = true)]
    public void Plain()
    {
        using DisposeScope scope = NewDisposeScope();
        _scaler.Unscale(_plain);
        nn.utils.clip_grad_norm_(_parameters, 0.5);
        _scaler.Step(_plain);
        _plain.zero_grad();
        _scaler.Update(newScale: 1024);
    }

    /// <summary>TorchSharp's AdamW without what surrounds it.</summary>
    [Benchmark]
    public void PlainAlone() => _plain.step();

    /// <summary>With FusedAdamW.</summary>
    [Benchmark]
    public void Fused()
    {
        _scaler.Step(_fused);
        _scaler.Update(newScale: 1024);
    }

    /// <summary>FusedAdamW without what surrounds it.</summary>
    [Benchmark]
    public void FusedAlone() => _alone.step();
}
