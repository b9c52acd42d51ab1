// Statements that make an optimizer and take a step with it.
using Convoy.Distributed;
using Convoy.Torch.Amp;
using TorchSharp;
using static TorchSharp.torch;

internal static class Context
{
    public static void Run(ProcessGroup group, nn.Module<Tensor, Tensor> model, GradScaler scaler, Tensor loss)
    {
        // snippet
    }
}
