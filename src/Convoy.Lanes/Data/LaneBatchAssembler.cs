using Convoy.Training.Loading;

namespace Convoy.Lanes.Data;

/// <summary>Has frames prepared in the memory of their batches.</summary>
internal sealed class LaneBatchAssembler(LaneDataset dataset, LaneLoaderOptions options, FrameCache? cache) : IBatchAssembler<BatchBuffer, LaneBatch>
{
    private readonly ResourcePool<BatchBuffer> _buffers = BatchBuffer.Pool(options);
    private readonly ResourcePool<FrameAssembler> _assemblers = new(() => new FrameAssembler(dataset, options, cache), Math.Max(1, options.Workers));

    public BatchBuffer Rent(int samples) => _buffers.Rent();

    public void Prepare(BatchBuffer buffer, int place, SampleContext sample)
    {
        FrameAssembler assembler = _assemblers.Rent();
        try
        {
            assembler.Assemble(sample, buffer.Image(place), buffer.Mask(place));
        }
        finally
        {
            _assemblers.Return(assembler);
        }
    }

    public LaneBatch Complete(BatchBuffer buffer, IReadOnlyList<int> indices, double waitSeconds) => new(buffer, _buffers, indices, waitSeconds);

    public void Return(BatchBuffer buffer) => _buffers.Return(buffer);

    public string Describe(int index) => dataset.Frames[index].ImagePath;

    public void Dispose()
    {
        _assemblers.Dispose();
        _buffers.Dispose();
        cache?.Dispose();
    }
}
